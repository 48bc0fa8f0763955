using System.Text.Json;

namespace Sessions.Tests.Infrastructure;

/// <summary>A resource as sent to Resource Manager. A value that only Azure knows is still an expression in brackets.</summary>
internal sealed record Resource(JsonElement Json)
{
    public string Type => this["type"]!;

    public string Name => this["name"]!;

    public string Id => this["id"]!;

    /// <summary>The id of the resource to which this resource is attached, if any.</summary>
    public string Scope => Id[..Id.LastIndexOf("/providers/", StringComparison.Ordinal)];

    /// <summary>A value by its path, such as <c>properties.sku.name</c>, as text. Null if it is missing or null.</summary>
    public string? this[string path] => Find(path) is { ValueKind: not JsonValueKind.Null } value ? value.ToString() : null;

    /// <summary>The items of a list by its path.</summary>
    public JsonElement[] Items(string path) => [.. Find(path)!.Value.EnumerateArray()];

    private JsonElement? Find(string path)
    {
        var value = Json;
        foreach (var name in path.Split('.'))
        {
            if (!value.TryGetProperty(name, out value))
                return null;
        }

        return value;
    }
}

/// <summary>
/// The resources that a deployment of <c>main.bicep</c> with given parameters creates, after all modules, conditions and loops are
/// evaluated.
/// </summary>
internal sealed class Deployment(JsonElement snapshot)
{
    private const string Subscription = "00000000-0000-0000-0000-000000000001";
    private const string Tenant = "00000000-0000-0000-0000-000000000002";

    public IReadOnlyList<Resource> Resources { get; } =
        [.. snapshot.GetProperty("predictedResources").EnumerateArray().Select(resource => new Resource(resource))];

    public IEnumerable<string> Outputs { get; } = [.. snapshot.GetProperty("outputs").EnumerateObject().Select(output => output.Name)];

    /// <summary>The resources of a type.</summary>
    public IEnumerable<Resource> All(string type) => Resources.Where(resource => resource.Type == type);

    /// <summary>The only resource of a type.</summary>
    public Resource The(string type) => Assert.Single(All(type));

    /// <summary>The storage account whose name begins with the prefix.</summary>
    public Resource Account(string prefix)
        => Assert.Single(All("Microsoft.Storage/storageAccounts"), account => account.Name.StartsWith(prefix, StringComparison.Ordinal));

    public Resource HostAccount => Account("sthost");

    public Resource DataAccount => Account("stdata");

    /// <summary>The deployment with these parameters, and with a name and a location.</summary>
    public static Task<Deployment> WithAsync(string parameters)
        => PredictAsync($"""
            using '{Path.GetRelativePath(Path.GetTempPath() + "folder", Bicep.Folder)}/main.bicep'
            param environmentName = 'check'
            param location = 'westeurope'
            {parameters}
            """);

    /// <summary>The deployment with a parameters file.</summary>
    public static async Task<Deployment> PredictAsync(string parametersFile, params (string Name, string Value)[] environment)
    {
        var folder = Directory.CreateTempSubdirectory("sessions-infra-");
        try
        {
            var file = Path.Combine(folder.FullName, "main.bicepparam");
            await File.WriteAllTextAsync(file, parametersFile);
            await Bicep.OutputAsync(
                ["snapshot", file, "--mode", "overwrite", "--subscription-id", Subscription, "--tenant-id", Tenant], environment);
            var snapshot = await File.ReadAllTextAsync(Path.ChangeExtension(file, ".snapshot.json"));
            return new(JsonDocument.Parse(snapshot).RootElement);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}

/// <summary>The deployments that the tests use, each predicted once.</summary>
internal static class Deployments
{
    public static readonly string Developer = "11111111-1111-1111-1111-111111111111";

    private static readonly Lazy<Task<Deployment>> DefaultOnce = new(() => Deployment.WithAsync(""));

    private static readonly Lazy<Task<Deployment>> PrivateOnce = new(() => Deployment.WithAsync("""
        param virtualNetwork = true
        param zoneRedundant = true
        """));

    private static readonly Lazy<Task<Deployment>> WatchedOnce = new(() => Deployment.WithAsync($"""
        param developerPrincipalId = '{Developer}'
        param alertEmail = 'operator@example.org'
        param alwaysReadyInstances = 2
        """));

    private static readonly Lazy<Task<Deployment>> AdjustedOnce = new(() => Deployment.WithAsync("""
        param sessionLifetime = '01:00:00'
        param participantLifetime = '02:00:00'
        param participantsPerSession = 50
        param eventRetention = '1.00:00:00'
        param idempotencyKeyLifetime = '31.00:00:00'
        param requestTimeout = '00:00:10'
        param trustedProxies = 2
        param webhooksAllowHttp = true
        param webhooksAllowPrivateAddresses = 'loopback'
        param otlpEndpoint = 'https://collector.example.org:4317'
        param otlpProtocol = 'grpc'
        param otelServiceName = 'calls'
        param otelTracesSampler = 'traceidratio'
        param otelTracesSamplerArg = '0.1'
        param developerAccess = false
        param logTableReads = true
        param zoneRedundant = true
        param alwaysReadyInstances = 1
        """));

    /// <summary>With every default.</summary>
    public static Task<Deployment> Default => DefaultOnce.Value;

    /// <summary>With a virtual network, private endpoints, and zone redundancy.</summary>
    public static Task<Deployment> Private => PrivateOnce.Value;

    /// <summary>With another developer, alerts, and instances that are always ready.</summary>
    public static Task<Deployment> Watched => WatchedOnce.Value;

    /// <summary>With a value for every setting of the app, without developer access, and with fewer ready instances than zone redundancy needs.</summary>
    public static Task<Deployment> Adjusted => AdjustedOnce.Value;

    /// <summary>The deployments with the usual access of developers.</summary>
    public static async Task<Deployment[]> AllAsync() => await Task.WhenAll(Default, Private, Watched);
}
