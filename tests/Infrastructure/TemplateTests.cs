using System.Text.Json;

namespace Sessions.Tests.Infrastructure;

/// <summary>The Bicep files as the compiler and its linter see them.</summary>
public sealed class TemplateTests
{
    private static readonly string[] LinterRules =
    [
        "adminusername-should-not-be-literal", "artifacts-parameters", "decompiler-cleanup", "explicit-values-for-loc-params",
        "max-asserts", "max-outputs", "max-params", "max-resources", "max-variables", "nested-deployment-template-scoping",
        "no-conflicting-metadata", "no-conflicting-version-constraints", "no-deployments-resources", "no-explicit-any",
        "no-hardcoded-env-urls", "no-hardcoded-location", "no-hardcoded-outputs", "no-incompatible-entrypoint-version",
        "no-loc-expr-outside-params", "no-module-name", "no-unnecessary-dependson", "no-unused-existing-resources",
        "no-unused-imports", "no-unused-params", "no-unused-types", "no-unused-vars", "outputs-should-not-contain-secrets",
        "prefer-interpolation", "prefer-unquoted-property-names", "protect-commandtoexecute-secrets", "secure-parameter-default",
        "secure-params-in-nested-deploy", "secure-params-in-parameters-file", "secure-secrets-in-params", "simplify-interpolation",
        "simplify-json-null", "stacks-extensibility-compat", "use-description-outputs", "use-description-params",
        "use-description-type-properties", "use-description-types", "use-description-vars", "use-parent-property",
        "use-recent-api-versions", "use-recent-az-powershell-version", "use-recent-module-versions", "use-recognized-resource-type",
        "use-resource-id-functions", "use-resource-symbol-reference", "use-safe-access", "use-secure-value-for-secure-inputs",
        "use-stable-resource-identifiers", "use-stable-vm-image", "use-user-defined-types", "what-if-short-circuiting",
    ];

    private static readonly string Main = Path.Combine(Bicep.Folder, "main.bicep");
    private static readonly string Parameters = Path.Combine(Bicep.Folder, "main.bicepparam");

    private static readonly (string Name, string Value)[] AzdEnvironment = [("AZURE_ENV_NAME", "check"), ("AZURE_LOCATION", "westeurope")];

    [Fact]
    public async Task Every_file_is_formatted()
    {
        foreach (var file in Bicep.Files.Append(Parameters))
            Assert.Equal(await Bicep.OutputAsync(["format", file, "--stdout"]), await File.ReadAllTextAsync(file));
    }

    [Fact]
    public async Task The_linter_finds_nothing()
        => Assert.Empty(await Bicep.OutputAsync(["lint", "--pattern", $"{Bicep.Folder}/**/*.bicep"]));

    [Fact]
    public async Task Every_rule_of_the_linter_is_an_error()
    {
        var text = await File.ReadAllTextAsync(Path.Combine(Bicep.Folder, "bicepconfig.json"));
        using var config = JsonDocument.Parse(text, new() { CommentHandling = JsonCommentHandling.Skip });
        var linter = config.RootElement.GetProperty("analyzers").GetProperty("core");
        var rules = linter.GetProperty("rules");

        Assert.True(linter.GetProperty("enabled").GetBoolean());
        Assert.Equal(LinterRules, rules.EnumerateObject().Select(rule => rule.Name).Order(StringComparer.Ordinal));
        Assert.All(rules.EnumerateObject(), rule => Assert.Equal("error", rule.Value.GetProperty("level").GetString()));
        Assert.Equal(0, rules.GetProperty("use-recent-api-versions").GetProperty("maxAgeInDays").GetInt32());
    }

    [Fact]
    public async Task A_rule_is_set_aside_only_with_a_reason_on_the_line_before()
    {
        foreach (var file in Bicep.Files)
        {
            var lines = await File.ReadAllLinesAsync(file);
            for (var i = 0; i < lines.Length; i++)
                Assert.True(!lines[i].Contains("#disable", StringComparison.Ordinal) || lines[i - 1].StartsWith("// ", StringComparison.Ordinal), $"{file}:{i + 1}");
        }
    }

    [Fact]
    public async Task No_module_comes_from_a_registry()
    {
        foreach (var file in Bicep.Files)
            Assert.DoesNotMatch(@"(?m)^module \w+ '(br|ts)[:/]", await File.ReadAllTextAsync(file));
    }

    [Fact]
    public async Task No_key_is_ever_asked_for()
    {
        foreach (var file in Bicep.Files)
            Assert.DoesNotMatch(@"(?i)\blist\w*(keys?|sas|secrets?)\w*\(|AccountKey|InstrumentationKey|SharedAccessSignature", await File.ReadAllTextAsync(file));
    }

    [Fact]
    public async Task The_token_signing_key_is_generated_and_a_later_deployment_leaves_it_alone()
    {
        using var vault = JsonDocument.Parse(await Bicep.OutputAsync(["build", Path.Combine(Bicep.Folder, "modules", "vault.bicep"), "--stdout"]));
        var secret = vault.RootElement.GetProperty("resources").GetProperty("tokenSigningKey");
        var parameters = vault.RootElement.GetProperty("parameters");

        Assert.True(secret.GetProperty("@options").TryGetProperty("onlyIfNotExists", out _));
        Assert.Equal("[format('{0}{1}', parameters('firstHalf'), parameters('secondHalf'))]", secret.GetProperty("properties").GetProperty("value").GetString());
        Assert.All(["firstHalf", "secondHalf"], name =>
        {
            Assert.Equal("securestring", parameters.GetProperty(name).GetProperty("type").GetString());
            Assert.Equal("[newGuid()]", parameters.GetProperty(name).GetProperty("defaultValue").GetString());
        });
    }

    [Fact]
    public async Task Every_parameter_says_what_it_is_and_has_bounds()
    {
        using var template = JsonDocument.Parse(await Bicep.OutputAsync(["build", Main, "--stdout"]));

        Assert.All(template.RootElement.GetProperty("parameters").EnumerateObject(), parameter =>
        {
            Assert.NotEmpty(parameter.Value.GetProperty("metadata").GetProperty("description").GetString()!);
            string[][] bounds = parameter.Value.GetProperty("type").GetString() switch
            {
                "int" => [["allowedValues"], ["minValue", "maxValue"]],
                "string" => [["allowedValues"], ["minLength"], ["maxLength"]],
                _ => [[]],
            };
            Assert.True(
                bounds.Any(names => names.All(name => parameter.Value.TryGetProperty(name, out _))), $"{parameter.Name} has no bounds.");
        });
    }

    [Theory]
    [InlineData("instanceMemoryMB = 1024")]
    [InlineData("maximumInstances = 39")]
    [InlineData("maximumInstances = 1001")]
    [InlineData("alwaysReadyInstances = -1")]
    [InlineData("developerPrincipalId = '11111111-1111-1111-1111-1111111111111'")]
    public async Task A_parameter_out_of_bounds_is_refused(string parameter)
    {
        var file = Path.Combine(Path.GetTempPath(), $"sessions-{Guid.NewGuid()}.bicepparam");
        await File.WriteAllTextAsync(file, $"""
            using '{Path.GetRelativePath(Path.GetTempPath(), Main)}'
            param environmentName = 'check'
            param location = 'westeurope'
            param {parameter}
            """);
        try
        {
            Assert.Equal(1, (await Bicep.RunAsync(["build-params", file, "--stdout"])).ExitCode);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task The_parameters_file_changes_no_default()
    {
        var file = (await File.ReadAllTextAsync(Parameters)).Replace("'main.bicep'", $"'{Path.GetRelativePath(Path.GetTempPath() + "folder", Main)}'");

        var deployment = await Deployment.PredictAsync(file, AzdEnvironment);

        Assert.Equal(
            (await Deployment.WithAsync("")).Resources.Select(resource => resource.Json.GetRawText()),
            deployment.Resources.Select(resource => resource.Json.GetRawText()));
    }

    [Fact]
    public async Task The_parameters_file_reads_every_parameter_from_the_environment()
    {
        var output = await Bicep.OutputAsync(
            ["build-params", Parameters, "--stdout"],
            [
                .. AzdEnvironment,
                ("SESSIONS_INSTANCE_MEMORY_MB", "512"), ("SESSIONS_MAXIMUM_INSTANCES", "70"), ("SESSIONS_ALWAYS_READY_INSTANCES", "3"),
                ("SESSIONS_ZONE_REDUNDANT", "true"), ("SESSIONS_VIRTUAL_NETWORK", "true"), ("SESSIONS_LOG_TABLE_READS", "true"),
                ("SESSIONS_DEVELOPER_PRINCIPAL_ID", Deployments.Developer), ("SESSIONS_ALERT_EMAIL", "operator@example.org"),
                ("SESSIONS_OTHER_TABLE_ENDPOINT", "https://other.table.cosmos.azure.com"),
            ]);
        using var built = JsonDocument.Parse(output);
        using var template = JsonDocument.Parse(built.RootElement.GetProperty("templateJson").GetString()!);
        using var parameters = JsonDocument.Parse(built.RootElement.GetProperty("parametersJson").GetString()!);
        var values = parameters.RootElement.GetProperty("parameters").EnumerateObject()
            .ToDictionary(parameter => parameter.Name, parameter => parameter.Value.GetProperty("value").ToString(), StringComparer.Ordinal);

        Assert.Equal(template.RootElement.GetProperty("parameters").EnumerateObject().Select(parameter => parameter.Name).Order(), values.Keys.Order());
        Assert.Equal(
            ["check", "westeurope", "512", "70", "3", "True", "True", "True", Deployments.Developer, "operator@example.org", "https://other.table.cosmos.azure.com"],
            [
                values["environmentName"], values["location"], values["instanceMemoryMB"], values["maximumInstances"], values["alwaysReadyInstances"],
                values["zoneRedundant"], values["virtualNetwork"], values["logTableReads"], values["developerPrincipalId"], values["alertEmail"],
                values["tableEndpoint"],
            ]);
    }
}
