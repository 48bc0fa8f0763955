using System.Text.Json;
using System.Text.RegularExpressions;

namespace Sessions.Tests.Infrastructure;

/// <summary>The Bicep files, checked by the compiler and its linter.</summary>
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

    private static readonly Lazy<Task<Dictionary<string, string>>> Built = new(BuildAsync);

    private static readonly (string Name, string Value)[] AzdEnvironment = [("AZURE_ENV_NAME", "check"), ("AZURE_LOCATION", "westeurope")];

    [Fact]
    public async Task Every_file_is_formatted()
    {
        var folder = Directory.CreateTempSubdirectory("sessions-infra-");
        try
        {
            foreach (var file in Bicep.Files.Append(Parameters))
            {
                var copy = Path.Combine(folder.FullName, Path.GetRelativePath(Bicep.Folder, file));
                Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
                File.Copy(file, copy);
            }

            await Bicep.OutputAsync(["format", "--pattern", $"{folder.FullName}/**/*.bicep*"]);

            foreach (var file in Bicep.Files.Append(Parameters))
            {
                var formatted = await File.ReadAllTextAsync(Path.Combine(folder.FullName, Path.GetRelativePath(Bicep.Folder, file)));
                Assert.Equal(formatted, await File.ReadAllTextAsync(file));
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task The_newest_compiler_and_its_linter_report_no_problems()
        => Assert.Equal(Bicep.Files.Select(Path.GetFileNameWithoutExtension).Order(), (await Built.Value).Keys.Order());

    [Fact]
    public async Task The_oldest_compiler_and_its_linter_report_no_problems()
    {
        Assert.Empty(await Bicep.OutputAsync(BicepAge.Oldest, ["lint", "--pattern", $"{Bicep.Folder}/**/*.bicep"]));
        Assert.NotEmpty(await Bicep.OutputAsync(BicepAge.Oldest, ["build-params", Parameters, "--stdout"], AzdEnvironment));
    }

    /// <summary>
    /// The oldest azd version that azure.yaml accepts has Bicep 0.45.15, which is older than the oldest Bicep in package feeds.
    /// </summary>
    [Fact]
    public async Task No_API_version_is_newer_than_the_Bicep_version_of_the_oldest_azd()
    {
        foreach (var file in Bicep.Files)
        {
            foreach (Match version in Regex.Matches(await File.ReadAllTextAsync(file), @"'Microsoft\.[\w./]+@(?<date>\d{4}-\d\d-\d\d)", RegexOptions.NonBacktracking))
                Assert.True(string.CompareOrdinal(version.Groups["date"].Value, "2025-06-30") < 0, $"{file}: {version.Value}");
        }
    }

    [Fact]
    public async Task Every_linter_rule_is_an_error_except_use_recent_api_versions()
    {
        var text = await File.ReadAllTextAsync(Path.Combine(Bicep.Folder, "bicepconfig.json"));
        using var config = JsonDocument.Parse(text, new() { CommentHandling = JsonCommentHandling.Skip });
        var linter = config.RootElement.GetProperty("analyzers").GetProperty("core");
        var rules = linter.GetProperty("rules");

        Assert.True(linter.GetProperty("enabled").GetBoolean());
        Assert.Equal(LinterRules, rules.EnumerateObject().Select(rule => rule.Name).Order(StringComparer.Ordinal));
        Assert.All(rules.EnumerateObject(), rule => Assert.Equal(
            rule.Name == "use-recent-api-versions" ? "off" : "error", rule.Value.GetProperty("level").GetString()));
    }

    [Fact]
    public async Task A_rule_is_disabled_only_with_a_comment_on_the_line_before()
    {
        foreach (var file in Bicep.Files)
        {
            var lines = await File.ReadAllLinesAsync(file);
            for (var i = 0; i < lines.Length; i++)
                Assert.True(!lines[i].Contains("#disable", StringComparison.Ordinal) || lines[i - 1].StartsWith("// ", StringComparison.Ordinal), $"{file}:{i + 1}");
        }
    }

    [Fact]
    public async Task No_module_is_loaded_from_a_registry()
    {
        foreach (var file in Bicep.Files)
            Assert.DoesNotMatch(@"(?m)^module \w+ '(br|ts)[:/]", await File.ReadAllTextAsync(file));
    }

    [Fact]
    public async Task No_template_reads_an_access_key()
    {
        foreach (var file in Bicep.Files)
            Assert.DoesNotMatch(@"(?i)\blist\w*(keys?|sas|secrets?)\w*\(|AccountKey|InstrumentationKey|SharedAccessSignature", await File.ReadAllTextAsync(file));
    }

    [Fact]
    public async Task The_token_signing_key_is_generated_once_and_kept_by_later_deployments()
    {
        using var vault = JsonDocument.Parse((await Built.Value)["vault"]);
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
    public async Task The_child_resources_of_the_app_are_deployed_one_after_another()
    {
        using var app = JsonDocument.Parse((await Built.Value)["app"]);
        var resources = app.RootElement.GetProperty("resources").EnumerateObject().Where(resource => resource.Value.GetProperty("type").GetString()!
            .StartsWith("Microsoft.Web/sites/", StringComparison.Ordinal)).ToArray();

        Assert.Equal(["app::appSettings", "app::ftp", "app::scm"], resources.Select(resource => resource.Name));
        foreach (var (before, after) in resources.Zip(resources.Skip(1)))
            Assert.Contains(before.Name, after.Value.GetProperty("dependsOn").EnumerateArray().Select(name => name.GetString()));
        Assert.Contains("app", resources[0].Value.GetProperty("dependsOn").EnumerateArray().Select(name => name.GetString()));
    }

    [Fact]
    public async Task Only_regions_with_the_Flex_Consumption_plan_are_accepted()
    {
        using var template = JsonDocument.Parse((await Built.Value)["main"]);
        var location = template.RootElement.GetProperty("parameters").GetProperty("location");

        Assert.Equal("location", location.GetProperty("metadata").GetProperty("azd").GetProperty("type").GetString());
        var regions = location.GetProperty("allowedValues").EnumerateArray().Select(region => region.GetString()).ToArray();
        Assert.Contains("westeurope", regions);
        Assert.DoesNotContain("chinanorth", regions);
    }

    [Fact]
    public async Task Every_parameter_has_a_description_and_bounds()
    {
        using var template = JsonDocument.Parse((await Built.Value)["main"]);

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

    [Fact]
    public async Task A_parameter_out_of_bounds_is_rejected()
    {
        string[] rejected =
        [
            "instanceMemoryMB = 1024",
            "maximumInstances = 39",
            "maximumInstances = 1001",
            "alwaysReadyInstances = -1",
            "developerPrincipalId = '11111111-1111-1111-1111-1111111111111'",
            "participantsPerSession = 99",
            "webhooksAllowPrivateAddresses = 'yes'",
        ];
        var folder = Directory.CreateTempSubdirectory("sessions-infra-");
        try
        {
            for (var index = 0; index < rejected.Length; index++)
            {
                await File.WriteAllTextAsync(Path.Combine(folder.FullName, $"{index}.bicepparam"), $"""
                    using '{Path.GetRelativePath(folder.FullName, Main)}'
                    param environmentName = 'check'
                    param location = 'westeurope'
                    param {rejected[index]}
                    """);
            }

            var run = await Bicep.RunAsync(["build-params", "--pattern", $"{folder.FullName}/*.bicepparam"]);

            Assert.Equal(1, run.ExitCode);
            // The error of each file is in its fourth line.
            Assert.All(rejected.Index(), each => Assert.Contains($"{each.Index}.bicepparam(4,", run.Errors, StringComparison.Ordinal));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_parameters_file_keeps_every_default_and_treats_an_empty_variable_as_unset(bool empty)
    {
        var text = await File.ReadAllTextAsync(Parameters);
        foreach (var name in new[] { "main.bicep", "parameters.bicep" })
            text = text.Replace($"'{name}'", $"'{Path.GetRelativePath(Path.GetTempPath() + "folder", Path.Combine(Bicep.Folder, name))}'", StringComparison.Ordinal);

        var deployment = await Deployment.PredictAsync(text, [.. AzdEnvironment, .. empty ? Variables(text).Select(name => (name, "")) : []]);

        Assert.Equal(
            (await Deployments.Default).Resources.Select(resource => resource.Json.GetRawText()),
            deployment.Resources.Select(resource => resource.Json.GetRawText()));
    }

    [Fact]
    public async Task The_parameters_file_reads_every_parameter_from_the_environment()
    {
        (string Name, string Value, string Parameter)[] set =
        [
            ("SESSIONS_INSTANCE_MEMORY_MB", "512", "instanceMemoryMB"),
            ("SESSIONS_MAXIMUM_INSTANCES", "70", "maximumInstances"),
            ("SESSIONS_ALWAYS_READY_INSTANCES", "3", "alwaysReadyInstances"),
            ("SESSIONS_ZONE_REDUNDANT", "True", "zoneRedundant"),
            ("SESSIONS_VIRTUAL_NETWORK", "True", "virtualNetwork"),
            ("SESSIONS_DEVELOPER_ACCESS", "False", "developerAccess"),
            ("SESSIONS_DEVELOPER_PRINCIPAL_ID", Deployments.Developer, "developerPrincipalId"),
            ("SESSIONS_ALERT_EMAIL", "operator@example.org", "alertEmail"),
            ("SESSIONS_LOG_TABLE_READS", "True", "logTableReads"),
            ("SESSIONS_OTHER_TABLE_ENDPOINT", "https://other.table.cosmos.azure.com", "tableEndpoint"),
            ("SESSIONS_SESSION_LIFETIME", "01:00:00", "sessionLifetime"),
            ("SESSIONS_PARTICIPANT_LIFETIME", "02:00:00", "participantLifetime"),
            ("SESSIONS_PARTICIPANTS_PER_SESSION", "50", "participantsPerSession"),
            ("SESSIONS_EVENT_RETENTION", "1.00:00:00", "eventRetention"),
            ("SESSIONS_IDEMPOTENCY_KEY_LIFETIME", "31.00:00:00", "idempotencyKeyLifetime"),
            ("SESSIONS_REQUEST_TIMEOUT", "00:00:10", "requestTimeout"),
            ("SESSIONS_TRUSTED_PROXIES", "2", "trustedProxies"),
            ("SESSIONS_WEBHOOKS_ALLOW_HTTP", "True", "webhooksAllowHttp"),
            ("SESSIONS_WEBHOOKS_ALLOW_PRIVATE_ADDRESSES", "loopback", "webhooksAllowPrivateAddresses"),
            ("SESSIONS_OTLP_ENDPOINT", "https://collector.example.org:4317", "otlpEndpoint"),
            ("SESSIONS_OTLP_PROTOCOL", "grpc", "otlpProtocol"),
            ("SESSIONS_OTLP_HEADERS", "api-key=secret", "otlpHeaders"),
            ("SESSIONS_OTEL_SERVICE_NAME", "calls", "otelServiceName"),
            ("SESSIONS_OTEL_TRACES_SAMPLER", "traceidratio", "otelTracesSampler"),
            ("SESSIONS_OTEL_TRACES_SAMPLER_ARG", "0.1", "otelTracesSamplerArg"),
        ];
        var output = await Bicep.OutputAsync(
            ["build-params", Parameters, "--stdout"], [.. AzdEnvironment, .. set.Select(variable => (variable.Name, variable.Value))]);
        using var built = JsonDocument.Parse(output);
        using var template = JsonDocument.Parse(built.RootElement.GetProperty("templateJson").GetString()!);
        using var parameters = JsonDocument.Parse(built.RootElement.GetProperty("parametersJson").GetString()!);
        var values = parameters.RootElement.GetProperty("parameters").EnumerateObject()
            .ToDictionary(parameter => parameter.Name, parameter => parameter.Value.GetProperty("value").ToString(), StringComparer.Ordinal);

        Assert.Equal(template.RootElement.GetProperty("parameters").EnumerateObject().Select(parameter => parameter.Name).Order(), values.Keys.Order());
        Assert.Equal(("check", "westeurope"), (values["environmentName"], values["location"]));
        Assert.Equal(set.Select(variable => variable.Value), set.Select(variable => values[variable.Parameter]));
        Assert.Equal(values.Count, set.Length + AzdEnvironment.Length);
    }

    [Fact]
    public async Task Azd_copies_every_parameter_to_the_pipeline_and_the_document_lists_it()
    {
        var variables = Variables(await File.ReadAllTextAsync(Parameters)).Order(StringComparer.Ordinal);
        var azure = await File.ReadAllTextAsync(Path.Combine(Bicep.RepositoryFolder, "azure.yaml"));
        var document = await File.ReadAllTextAsync(Path.Combine(Bicep.RepositoryFolder, "docs", "deploy.md"));

        Assert.Matches(@"(?m)^requiredVersions:\n  azd: "">= 1\.31\.0""$", azure);
        Assert.Equal(variables, Regex.Matches(azure, @"(?m)^    - \w+$", RegexOptions.NonBacktracking).Select(match => match.Value[6..]).Order(StringComparer.Ordinal));
        Assert.EndsWith("  secrets:\n    - SESSIONS_OTLP_HEADERS\n", azure);
        Assert.All(variables, name => Assert.Contains($"| `{name}` |", document));
    }

    /// <summary>Builds every file with the newest compiler, which includes the linter. Returns the templates by the names of their files.</summary>
    private static async Task<Dictionary<string, string>> BuildAsync()
    {
        var folder = Directory.CreateTempSubdirectory("sessions-infra-");
        try
        {
            await Bicep.OutputAsync(["build", "--pattern", $"{Bicep.Folder}/**/*.bicep", "--outdir", folder.FullName]);
            return folder.EnumerateFiles("*.json", SearchOption.AllDirectories)
                .ToDictionary(file => Path.GetFileNameWithoutExtension(file.Name), file => File.ReadAllText(file.FullName), StringComparer.Ordinal);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static IEnumerable<string> Variables(string parametersFile)
        => Regex.Matches(parametersFile, @"'SESSIONS_\w+'", RegexOptions.NonBacktracking).Select(match => match.Value.Trim('\''));
}
