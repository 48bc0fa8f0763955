using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;

namespace Sessions.Tests.Infrastructure;

/// <summary>The deployed resources, with the defaults and with each option.</summary>
public sealed class DeploymentTests
{
    private const string App = "Microsoft.Web/sites";
    private const string Components = "Microsoft.Insights/components";
    private const string Endpoints = "Microsoft.Network/privateEndpoints";
    private const string Identities = "Microsoft.ManagedIdentity/userAssignedIdentities";
    private const string Plan = "Microsoft.Web/serverfarms";
    private const string Roles = "Microsoft.Authorization/roleAssignments";
    private const string Vault = "Microsoft.KeyVault/vaults";
    private const string Workspace = "Microsoft.OperationalInsights/workspaces";

    private const string BlobDataOwner = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b";
    private const string TableDataContributor = "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3";
    private const string QueueDataContributor = "974c5e8b-45b9-4653-ba55-5f855dd0fb88";
    private const string MetricsPublisher = "3913510d-42f4-4e42-8a64-420c390055eb";
    private const string SecretsUser = "4633458b-17de-408a-b874-0445c86b69e6";

    private static readonly string[] ChosenSettings =
    [
        "Sessions__SessionLifetime", "Sessions__ParticipantLifetime", "Sessions__ParticipantsPerSession", "Sessions__EventRetention",
        "Sessions__IdempotencyKeyLifetime", "Sessions__RequestTimeout", "Sessions__TrustedProxies", "Sessions__Webhooks__AllowHttp",
        "Sessions__Webhooks__AllowPrivateAddresses", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_SERVICE_NAME",
        "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG",
    ];

    private static readonly string[] Documents = ["README.md", "docs/api.md", "docs/events.md", "docs/operate.md"];

    private static readonly string[] Always =
    [
        "Microsoft.Authorization/roleAssignments x7",
        "Microsoft.Insights/components x1",
        "Microsoft.Insights/diagnosticSettings x3",
        "Microsoft.Insights/workbooks x1",
        "Microsoft.KeyVault/vaults x1",
        "Microsoft.KeyVault/vaults/secrets x1",
        "Microsoft.ManagedIdentity/userAssignedIdentities x1",
        "Microsoft.OperationalInsights/workspaces x1",
        "Microsoft.Resources/resourceGroups x1",
        "Microsoft.Storage/storageAccounts x2",
        "Microsoft.Storage/storageAccounts/blobServices x1",
        "Microsoft.Storage/storageAccounts/blobServices/containers x1",
        "Microsoft.Storage/storageAccounts/queueServices x1",
        "Microsoft.Storage/storageAccounts/queueServices/queues x4",
        "Microsoft.Storage/storageAccounts/tableServices x1",
        "Microsoft.Storage/storageAccounts/tableServices/tables x4",
        "Microsoft.Web/serverfarms x1",
        "Microsoft.Web/sites x1",
        "Microsoft.Web/sites/basicPublishingCredentialsPolicies x2",
        "Microsoft.Web/sites/config x1",
    ];

    [Fact]
    public async Task The_default_deployment_contains_exactly_these_resources()
        => Assert.Equal(Always, Counted(await Deployments.Default));

    [Fact]
    public async Task A_virtual_network_adds_only_private_endpoints_and_their_DNS_zones()
        => Assert.Equal(
            [
                "Microsoft.Network/privateDnsZones x4",
                "Microsoft.Network/privateDnsZones/virtualNetworkLinks x4",
                "Microsoft.Network/privateEndpoints x4",
                "Microsoft.Network/privateEndpoints/privateDnsZoneGroups x4",
                "Microsoft.Network/virtualNetworks x1",
            ],
            Counted(await Deployments.Private).Except(Always));

    [Fact]
    public async Task An_alert_email_address_adds_only_alerts()
        => Assert.Equal(
            [
                "Microsoft.Insights/actionGroups x1",
                "Microsoft.Insights/metricAlerts x1",
                "Microsoft.Insights/scheduledQueryRules x4",
            ],
            Counted(await Deployments.Watched).Except(Always));

    [Fact]
    public async Task The_default_deployment_uses_no_always_ready_instance_and_no_premium_tier()
    {
        var deployment = await Deployments.Default;

        Assert.Empty(deployment.The(App).Items("properties.functionAppConfig.scaleAndConcurrency.alwaysReady"));
        Assert.Equal(("FC1", "FlexConsumption"), (deployment.The(Plan)["sku.name"], deployment.The(Plan)["sku.tier"]));
        Assert.Equal("False", deployment.The(Plan)["properties.zoneRedundant"]);
        Assert.Equal(["Standard_LRS", "Standard_LRS"], deployment.All("Microsoft.Storage/storageAccounts").Select(account => account["sku.name"]));
        Assert.Equal("standard", deployment.The(Vault)["properties.sku.name"]);
        Assert.Equal(("PerGB2018", "30"), (deployment.The(Workspace)["properties.sku.name"], deployment.The(Workspace)["properties.retentionInDays"]));
        Assert.DoesNotContain(deployment.Resources, resource => resource.Json.GetRawText().Contains("premium", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task The_app_runs_isolated_on_NET_10_and_Linux()
    {
        foreach (var deployment in await Deployments.AllAsync())
        {
            var app = deployment.The(App);

            Assert.Equal("functionapp,linux", app["kind"]);
            Assert.Equal(("dotnet-isolated", "10.0"), (app["properties.functionAppConfig.runtime.name"], app["properties.functionAppConfig.runtime.version"]));
            Assert.Equal("2048", app["properties.functionAppConfig.scaleAndConcurrency.instanceMemoryMB"]);
            Assert.Equal("100", app["properties.functionAppConfig.scaleAndConcurrency.maximumInstanceCount"]);
            Assert.Equal("True", deployment.The(Plan)["properties.reserved"]);
        }
    }

    [Fact]
    public async Task The_app_accepts_only_HTTPS_and_no_basic_publishing_credentials()
    {
        foreach (var deployment in await Deployments.AllAsync())
        {
            var app = deployment.The(App);

            Assert.Equal("True", app["properties.httpsOnly"]);
            Assert.Equal(("1.2", "1.2"), (app["properties.siteConfig.minTlsVersion"], app["properties.siteConfig.scmMinTlsVersion"]));
            Assert.Equal("Disabled", app["properties.siteConfig.ftpsState"]);
            Assert.Equal(
                [($"{app.Name}/ftp", "False"), ($"{app.Name}/scm", "False")],
                deployment.All("Microsoft.Web/sites/basicPublishingCredentialsPolicies").Select(policy => (policy.Name, policy["properties.allow"])));
        }
    }

    [Fact]
    public async Task The_app_uses_its_managed_identity_for_its_package_and_its_secrets()
    {
        foreach (var deployment in await Deployments.AllAsync())
        {
            var app = deployment.The(App);
            var identity = deployment.The(Identities).Id;

            Assert.Equal("UserAssigned", app["identity.type"]);
            Assert.Equal([identity], app.Json.GetProperty("identity").GetProperty("userAssignedIdentities").EnumerateObject().Select(one => one.Name));
            Assert.Equal(identity, app["properties.keyVaultReferenceIdentity"]);
            Assert.Equal("UserAssignedIdentity", app["properties.functionAppConfig.deployment.storage.authentication.type"]);
            Assert.Equal(identity, app["properties.functionAppConfig.deployment.storage.authentication.userAssignedIdentityResourceId"]);
            Assert.Contains(deployment.HostAccount.Id, app["properties.functionAppConfig.deployment.storage.value"]!);
        }
    }

    [Fact]
    public async Task The_app_has_exactly_these_settings_and_none_contains_a_key()
    {
        foreach (var deployment in await Deployments.AllAsync())
        {
            var settings = deployment.The("Microsoft.Web/sites/config");
            var clientId = $"reference('{deployment.The(Identities).Id}', '2024-11-30').clientId";

            Assert.Equal(
                [
                    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING", "APPLICATIONINSIGHTS_CONNECTION_STRING", "AZURE_CLIENT_ID",
                    "AzureWebJobsStorage__accountName", "AzureWebJobsStorage__clientId", "AzureWebJobsStorage__credential",
                    "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_SERVICE_NAME",
                    "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG",
                    "SessionsStorage__clientId", "SessionsStorage__credential", "SessionsStorage__queueServiceUri",
                    "Sessions__EventRetention", "Sessions__IdempotencyKeyLifetime", "Sessions__ParticipantLifetime",
                    "Sessions__ParticipantsPerSession", "Sessions__RequestTimeout", "Sessions__SessionLifetime",
                    "Sessions__StorageQueueUri", "Sessions__StorageTableEndpoint", "Sessions__TokenSigningKey", "Sessions__TrustedProxies",
                    "Sessions__Webhooks__AllowHttp", "Sessions__Webhooks__AllowPrivateAddresses",
                ],
                settings.Json.GetProperty("properties").EnumerateObject().Select(setting => setting.Name).Order(StringComparer.Ordinal));
            Assert.EndsWith("/appsettings", settings.Name, StringComparison.Ordinal);
            Assert.Equal($"[format('ClientId={{0}};Authorization=AAD', {clientId})]", settings["properties.APPLICATIONINSIGHTS_AUTHENTICATION_STRING"]);
            Assert.Equal($"[reference('{deployment.The(Components).Id}', '2020-02-02').ConnectionString]", settings["properties.APPLICATIONINSIGHTS_CONNECTION_STRING"]);
            Assert.Equal($"[{clientId}]", settings["properties.AZURE_CLIENT_ID"]);
            Assert.Equal(deployment.HostAccount.Name, settings["properties.AzureWebJobsStorage__accountName"]);
            Assert.Equal($"[{clientId}]", settings["properties.AzureWebJobsStorage__clientId"]);
            Assert.Equal("managedidentity", settings["properties.AzureWebJobsStorage__credential"]);
            Assert.Equal(($"[{clientId}]", "managedidentity"), (settings["properties.SessionsStorage__clientId"], settings["properties.SessionsStorage__credential"]));
            foreach (var name in new[] { "SessionsStorage__queueServiceUri", "Sessions__StorageQueueUri" })
                Assert.Matches(@"^\[reference\(.*dataStorage.*\)\.outputs\.queueEndpoint\.value\]$", settings[$"properties.{name}"]!);
            Assert.Matches(@"^\[reference\(.*dataStorage.*\)\.outputs\.tableEndpoint\.value\]$", settings["properties.Sessions__StorageTableEndpoint"]!);
            Assert.Equal(
                $"@Microsoft.KeyVault(VaultName={deployment.The(Vault).Name};SecretName=token-signing-key)", settings["properties.Sessions__TokenSigningKey"]);
            Assert.Equal($"{deployment.The(Vault).Name}/token-signing-key", deployment.The("Microsoft.KeyVault/vaults/secrets").Name);
        }
    }

    [Fact]
    public async Task Every_documented_setting_of_the_app_is_deployed()
    {
        var deployed = (await Deployments.Default).The("Microsoft.Web/sites/config").Json.GetProperty("properties").EnumerateObject()
            .Select(setting => setting.Name.Replace("__", ":", StringComparison.Ordinal)).ToHashSet();
        var documents = Documents.Select(name => File.ReadAllText(Path.Combine(Bicep.RepositoryFolder, name)));

        var documented = documents
            .SelectMany(text => Regex.Matches(
                text, @"`(Sessions:[A-Z]|OTEL_|APPLICATIONINSIGHTS_)[A-Za-z:_]*\w`", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture))
            .Select(match => match.Value.Trim('`')).Distinct().ToArray();

        Assert.Contains("OTEL_SERVICE_NAME", documented);
        Assert.Contains("Sessions:ParticipantsPerSession", documented);
        // Replaces a table endpoint for storage on the same machine.
        Assert.Equal(["Sessions:StorageConnectionString"], documented.Except(deployed));
    }

    [Fact]
    public async Task Omitted_parameters_deploy_the_default_settings_of_the_app()
    {
        var properties = (await Deployments.Default).The("Microsoft.Web/sites/config").Json.GetProperty("properties");
        Dictionary<string, string?> minimum = new()
        {
            ["Sessions:StorageConnectionString"] = "UseDevelopmentStorage=true",
            ["Sessions:TokenSigningKey"] = new string('k', 32),
        };
        var deployed = new Dictionary<string, string?>(minimum);
        foreach (var setting in properties.EnumerateObject().Where(setting => !setting.Value.GetString()!.StartsWith('[')))
        {
            if (setting.Name is not ("Sessions__TokenSigningKey" or "Sessions__StorageTableEndpoint" or "Sessions__StorageQueueUri"))
                deployed[setting.Name.Replace("__", ":", StringComparison.Ordinal)] = setting.Value.GetString();
        }

        Assert.Equal(Read(minimum), Read(deployed));

        static object Read(Dictionary<string, string?> settings)
        {
            var options = SessionsOptions.Read(new ConfigurationBuilder().AddInMemoryCollection(settings).Build());
            return (
                options.SessionLifetime, options.ParticipantLifetime, options.ParticipantsPerSession, options.EventRetention,
                options.IdempotencyKeyLifetime, options.RequestTimeout, options.TrustedProxies, options.Webhooks);
        }
    }

    [Fact]
    public async Task Parameters_are_deployed_as_settings_of_the_app()
    {
        var settings = (await Deployments.Adjusted).The("Microsoft.Web/sites/config");

        Assert.Equal(
            [
                "01:00:00", "02:00:00", "50", "1.00:00:00", "31.00:00:00", "00:00:10", "2", "true", "loopback",
                "https://collector.example.org:4317", "grpc", "calls", "traceidratio", "0.1",
            ],
            ChosenSettings.Select(name => settings[$"properties.{name}"]));
    }

    [Fact]
    public async Task The_tableEndpoint_parameter_replaces_the_data_account()
    {
        var deployment = await Deployment.WithAsync("param tableEndpoint = 'https://other.table.cosmos.azure.com'");

        Assert.Equal("https://other.table.cosmos.azure.com", deployment.The("Microsoft.Web/sites/config")["properties.Sessions__StorageTableEndpoint"]);
    }

    [Fact]
    public async Task The_app_has_exactly_these_roles()
    {
        foreach (var deployment in await Deployments.AllAsync())
        {
            var identity = $"[reference('{deployment.The(Identities).Id}', '2024-11-30').principalId]";

            Assert.Equal(
                new[]
                {
                    (MetricsPublisher, deployment.The(Components).Id), (BlobDataOwner, deployment.HostAccount.Id),
                    (TableDataContributor, deployment.DataAccount.Id), (QueueDataContributor, deployment.DataAccount.Id), (SecretsUser, deployment.The(Vault).Id),
                },
                deployment.All(Roles).Where(role => role["properties.principalType"] == "ServicePrincipal").Select(role => (Role(role), role.Scope)));
            Assert.All(deployment.All(Roles), role => Assert.Equal(role["properties.principalType"] == "ServicePrincipal", role["properties.principalId"] == identity));
            Assert.All(deployment.All(Roles), role => Assert.True(Guid.TryParse(role.Name, out _) || role.Name.Contains("deployer()", StringComparison.Ordinal)));
        }
    }

    [Fact]
    public async Task The_deployer_or_a_chosen_principal_gets_access_to_tables_and_queues()
    {
        MayUse(await Deployments.Default, "[deployer().objectId]");
        MayUse(await Deployments.Watched, Deployments.Developer);

        static void MayUse(Deployment deployment, string principal) => Assert.Equal(
            [(TableDataContributor, deployment.DataAccount.Id, principal), (QueueDataContributor, deployment.DataAccount.Id, principal)],
            deployment.All(Roles).Where(role => role["properties.principalType"] is null)
                .Select(role => (Role(role), ScopeOf(role), role["properties.principalId"]!)));

        static string ScopeOf(Resource role) => Regex.Match(role.Id, @"/subscriptions/[^']*?/storageAccounts/\w+", RegexOptions.NonBacktracking).Value;
    }

    [Fact]
    public async Task Without_developer_access_only_the_app_has_roles()
        => Assert.All(
            (await Deployments.Adjusted).All(Roles),
            role => Assert.Equal("ServicePrincipal", role["properties.principalType"]));

    [Fact]
    public async Task No_storage_account_allows_shared_keys_or_public_blobs()
    {
        foreach (var deployment in await Deployments.AllAsync())
        {
            Assert.All(deployment.All("Microsoft.Storage/storageAccounts"), account =>
            {
                Assert.Equal("False", account["properties.allowSharedKeyAccess"]);
                Assert.Equal("False", account["properties.allowBlobPublicAccess"]);
                Assert.Equal("False", account["properties.allowCrossTenantReplication"]);
                Assert.Equal("TLS1_2", account["properties.minimumTlsVersion"]);
                Assert.Equal("True", account["properties.supportsHttpsTrafficOnly"]);
            });
            Assert.Equal("None", deployment.The("Microsoft.Storage/storageAccounts/blobServices/containers")["properties.publicAccess"]);
        }
    }

    [Fact]
    public async Task Tables_and_queues_are_in_the_data_account_and_packages_in_the_host_account()
    {
        var tables = new Sessions.Storage.Tables(new Azure.Data.Tables.TableServiceClient("UseDevelopmentStorage=true"));
        foreach (var deployment in await Deployments.AllAsync())
        {
            Assert.Equal(
                tables.All.Select(table => $"{deployment.DataAccount.Name}/default/{table.Name}"),
                deployment.All("Microsoft.Storage/storageAccounts/tableServices/tables").Select(table => table.Name));
            Assert.Equal(
                from name in new[] { Sessions.Storage.Queues.EventsName, Sessions.Storage.Queues.WebhooksName }
                from queue in new[] { name, name + Sessions.Storage.Queues.PoisonSuffix }
                select $"{deployment.DataAccount.Name}/default/{queue}",
                deployment.All("Microsoft.Storage/storageAccounts/queueServices/queues").Select(queue => queue.Name));
            Assert.Equal(
                $"{deployment.HostAccount.Name}/default/deployments", deployment.The("Microsoft.Storage/storageAccounts/blobServices/containers").Name);
        }
    }

    [Fact]
    public async Task The_vault_uses_role_based_access_and_telemetry_disables_local_authentication()
    {
        foreach (var deployment in await Deployments.AllAsync())
        {
            Assert.Equal("True", deployment.The(Vault)["properties.enableRbacAuthorization"]);
            Assert.Equal("True", deployment.The(Components)["properties.DisableLocalAuth"]);
            Assert.Equal("True", deployment.The(Workspace)["properties.features.disableLocalAuth"]);
            Assert.Equal(deployment.The(Workspace).Id, deployment.The(Components)["properties.WorkspaceResourceId"]);
        }
    }

    [Fact]
    public async Task Storage_and_vault_send_their_logs_to_the_workspace()
    {
        foreach (var deployment in await Deployments.AllAsync())
        {
            var settings = deployment.All("Microsoft.Insights/diagnosticSettings").ToArray();

            Assert.Equal(
                [$"{deployment.HostAccount.Id}/blobServices/default", $"{deployment.DataAccount.Id}/tableServices/default", deployment.The(Vault).Id],
                settings.Select(setting => setting.Scope));
            Assert.All(settings, setting => Assert.Equal(deployment.The(Workspace).Id, setting["properties.workspaceId"]));
            Assert.Equal(["StorageWrite", "StorageDelete"], Logs(settings[0]));
            Assert.Equal(["StorageWrite", "StorageDelete"], Logs(settings[1]));
            Assert.Equal(["audit"], Logs(settings[2]));
        }
    }

    [Fact]
    public async Task Table_reads_are_logged_if_the_parameter_is_set()
    {
        var deployment = await Deployments.Adjusted;

        Assert.Equal(["StorageRead", "StorageWrite", "StorageDelete"], Logs(deployment.All("Microsoft.Insights/diagnosticSettings").ElementAt(1)));
    }

    [Fact]
    public async Task Without_a_virtual_network_storage_and_vault_are_on_the_public_network()
    {
        var deployment = await Deployments.Default;

        Assert.All(Guarded(deployment), resource => Assert.Equal(
            ("Enabled", "Allow"), (resource["properties.publicNetworkAccess"], resource["properties.networkAcls.defaultAction"])));
        Assert.Null(deployment.The(App)["properties.virtualNetworkSubnetId"]);
    }

    [Fact]
    public async Task With_a_virtual_network_storage_and_vault_accept_only_private_endpoints()
    {
        var deployment = await Deployments.Private;
        var network = deployment.The("Microsoft.Network/virtualNetworks");

        Assert.All(Guarded(deployment), resource => Assert.Equal(
            ("Disabled", "Deny", "None"),
            (resource["properties.publicNetworkAccess"], resource["properties.networkAcls.defaultAction"], resource["properties.networkAcls.bypass"])));
        Assert.Equal($"{network.Id}/subnets/app", deployment.The(App)["properties.virtualNetworkSubnetId"]);
        Assert.Equal(
            [(deployment.HostAccount.Id, "blob"), (deployment.DataAccount.Id, "table"), (deployment.DataAccount.Id, "queue"), (deployment.The(Vault).Id, "vault")],
            deployment.All(Endpoints).Select(endpoint =>
            {
                var connection = Assert.Single(endpoint.Items("properties.privateLinkServiceConnections")).GetProperty("properties");
                return (connection.GetProperty("privateLinkServiceId").GetString(), Assert.Single(connection.GetProperty("groupIds").EnumerateArray()).GetString());
            }));
        Assert.All(deployment.All(Endpoints), endpoint => Assert.Equal($"{network.Id}/subnets/private-endpoints", endpoint["properties.subnet.id"]));
        Assert.All(deployment.All("Microsoft.Network/privateDnsZones/virtualNetworkLinks"), link => Assert.Equal(network.Id, link["properties.virtualNetwork.id"]));
    }

    [Fact]
    public async Task Zone_redundancy_applies_to_the_app_and_its_storage()
    {
        var deployment = await Deployments.Private;

        Assert.Equal("True", deployment.The(Plan)["properties.zoneRedundant"]);
        Assert.Equal(["Standard_ZRS", "Standard_ZRS"], deployment.All("Microsoft.Storage/storageAccounts").Select(account => account["sku.name"]));
    }

    [Fact]
    public async Task Always_ready_instances_serve_HTTP()
    {
        var ready = Assert.Single((await Deployments.Watched).The(App).Items("properties.functionAppConfig.scaleAndConcurrency.alwaysReady"));

        Assert.Equal(("http", 2), (ready.GetProperty("name").GetString(), ready.GetProperty("instanceCount").GetInt32()));
    }

    [Fact]
    public async Task With_zone_redundancy_there_are_at_least_two_always_ready_instances()
    {
        var ready = Assert.Single((await Deployments.Adjusted).The(App).Items("properties.functionAppConfig.scaleAndConcurrency.alwaysReady"));
        Assert.Equal(2, ready.GetProperty("instanceCount").GetInt32());
    }

    [Fact]
    public async Task Alerts_notify_the_configured_email_address()
    {
        var deployment = await Deployments.Watched;
        var group = deployment.The("Microsoft.Insights/actionGroups");
        var rules = deployment.All("Microsoft.Insights/scheduledQueryRules").ToArray();
        var throttling = deployment.The("Microsoft.Insights/metricAlerts");

        Assert.Equal("operator@example.org", Assert.Single(group.Items("properties.emailReceivers")).GetProperty("emailAddress").GetString());
        Assert.Equal(["sessions-server-errors", "sessions-latency", "sessions-authentication-failures", "sessions-events-age"], rules.Select(rule => rule.Name));
        Assert.All(rules, rule =>
        {
            Assert.Equal(group.Id, Assert.Single(rule.Items("properties.actions.actionGroups")).GetString());
            Assert.Equal(deployment.The(Components).Id, Assert.Single(rule.Items("properties.scopes")).GetString());
        });
        Assert.Equal(group.Id, Assert.Single(throttling.Items("properties.actions")).GetProperty("actionGroupId").GetString());
        Assert.Equal(deployment.DataAccount.Id, Assert.Single(throttling.Items("properties.scopes")).GetString());
    }

    [Fact]
    public async Task A_log_alert_fires_if_its_query_over_15_minutes_returns_a_row()
    {
        var rules = (await Deployments.Watched).All("Microsoft.Insights/scheduledQueryRules").ToArray();

        Assert.All(rules, rule =>
        {
            Assert.Equal(("LogAlert", "True", "True"), (rule["kind"], rule["properties.enabled"], rule["properties.autoMitigate"]));
            Assert.Equal(("PT5M", "PT15M"), (rule["properties.evaluationFrequency"], rule["properties.windowSize"]));
            var criterion = Assert.Single(rule.Items("properties.criteria.allOf"));
            Assert.Equal(
                ("Count", "GreaterThan", 0),
                (criterion.GetProperty("timeAggregation").GetString(), criterion.GetProperty("operator").GetString(), criterion.GetProperty("threshold").GetInt32()));
            Assert.Equal(
                """{"numberOfEvaluationPeriods":1,"minFailingPeriodsToAlert":1}""", Compact(criterion.GetProperty("failingPeriods")));
        });
        Assert.Equal(["1", "2", "2", "2"], rules.Select(rule => rule["properties.severity"]));
    }

    [Fact]
    public async Task The_queries_of_log_alerts_use_telemetry_that_the_app_records()
    {
        var queries = (await Deployments.Watched).All("Microsoft.Insights/scheduledQueryRules")
            .Select(rule => rule.Items("properties.criteria.allOf")[0].GetProperty("query").GetString()!)
            .Select(query => query.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));

        Assert.Equal(
            [
                ["requests", "| summarize total = sum(itemCount), failed = sumif(itemCount, toint(resultCode) >= 500)", "| where failed >= 5 and failed * 100 >= total"],
                [
                    "requests", $"| where name != '{nameof(Sessions.Endpoints.Health)}'",
                    "| summarize total = sum(itemCount), p95 = percentilew(duration, tolong(itemCount), 95)", "| where total >= 20 and p95 > 1000",
                ],
                [
                    "customMetrics", $"| where name == '{Telemetry.AuthenticationFailures.Name}'",
                    "| summarize failures = sum(valueSum)", "| where failures >= 100",
                ],
                ["customMetrics", $"| where name == '{Telemetry.EventsAge.Name}'", "| summarize oldest = max(valueMax)", "| where oldest >= 300"],
            ],
            queries);
    }

    [Fact]
    public async Task The_throttling_alert_fires_at_ten_throttled_storage_calls_in_15_minutes()
    {
        var rule = (await Deployments.Watched).The("Microsoft.Insights/metricAlerts");
        var criterion = Assert.Single(rule.Items("properties.criteria.allOf"));

        Assert.Equal(("True", "True", "2"), (rule["properties.enabled"], rule["properties.autoMitigate"], rule["properties.severity"]));
        Assert.Equal(("PT5M", "PT15M"), (rule["properties.evaluationFrequency"], rule["properties.windowSize"]));
        Assert.Equal(
            ("Microsoft.Storage/storageAccounts", "Transactions"),
            (criterion.GetProperty("metricNamespace").GetString(), criterion.GetProperty("metricName").GetString()));
        Assert.Equal(
            ("StaticThresholdCriterion", "Total", "GreaterThanOrEqual", 10),
            (
                criterion.GetProperty("criterionType").GetString(), criterion.GetProperty("timeAggregation").GetString(),
                criterion.GetProperty("operator").GetString(), criterion.GetProperty("threshold").GetInt32()));
        Assert.Equal(
            """
            {"name":"ResponseType","operator":"Include","values":["ClientAccountBandwidthThrottlingError","ClientAccountRequestThrottlingError","ClientThrottlingError","ServerBusyError"]}
            """,
            Compact(Assert.Single(criterion.GetProperty("dimensions").EnumerateArray())));
    }

    [Fact]
    public async Task Alerts_are_sent_by_email()
    {
        var group = (await Deployments.Watched).The("Microsoft.Insights/actionGroups");

        Assert.Equal("True", group["properties.enabled"]);
        Assert.Equal(
            """{"name":"email","emailAddress":"operator@example.org","useCommonAlertSchema":true}""",
            Compact(Assert.Single(group.Items("properties.emailReceivers"))));
    }

    [Fact]
    public async Task The_workbook_shows_requests_latency_conflicts_and_storage_calls()
    {
        var deployment = await Deployments.Default;
        var workbook = deployment.The("Microsoft.Insights/workbooks");
        using var content = JsonDocument.Parse(workbook["properties.serializedData"]!);

        Assert.Equal(deployment.The(Components).Id, workbook["properties.sourceId"]);
        Assert.Equal(
            ["time", "requests", "latency", "conflicts", "storage-calls", "storage-calls-per-request"],
            content.RootElement.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("name").GetString()));
    }

    [Fact]
    public async Task Azd_finds_the_app_by_its_tags()
    {
        var deployment = await Deployments.Default;

        Assert.Equal("check", deployment.The("Microsoft.Resources/resourceGroups")["tags.azd-env-name"]);
        Assert.Equal("api", deployment.The(App)["tags.azd-service-name"]);
        Assert.Matches(@"(?m)^services:\n  api:\n    project: src/Functions\n    language: dotnet\n    host: function$", await File.ReadAllTextAsync(Path.Combine(Bicep.RepositoryFolder, "azure.yaml")));
        Assert.Equal(
            ["AZURE_LOCATION", "AZURE_RESOURCE_GROUP", "SERVICE_API_NAME", "SERVICE_API_URL", "SESSIONS_TABLE_ENDPOINT", "SESSIONS_VAULT_NAME"],
            deployment.Outputs.Order(StringComparer.Ordinal));
    }

    private static IEnumerable<string> Counted(Deployment deployment)
        => deployment.Resources.GroupBy(resource => resource.Type).Select(type => $"{type.Key} x{type.Count()}").Order(StringComparer.Ordinal);

    private static IEnumerable<Resource> Guarded(Deployment deployment) => [deployment.HostAccount, deployment.DataAccount, deployment.The(Vault)];

    private static string Compact(JsonElement json) => JsonSerializer.Serialize(json);

    private static string Role(Resource assignment) => assignment["properties.roleDefinitionId"]!.Split('/')[^1];

    private static IEnumerable<string?> Logs(Resource setting)
        => setting.Items("properties.logs")
            .Where(log => log.GetProperty("enabled").GetBoolean())
            .Select(log => (log.TryGetProperty("category", out var category) ? category : log.GetProperty("categoryGroup")).GetString());
}
