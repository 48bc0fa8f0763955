using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Sessions.Gateway;
using Sessions.Storage;

namespace Sessions.Tests.Gateway;

/// <summary>The API and the gateway in one process, on one port.</summary>
public class GatewayServer(AzuriteFixture azurite) : Server(azurite)
{
    private IServiceProvider? _services;

    /// <summary>Additional settings of the gateway.</summary>
    protected virtual IReadOnlyDictionary<string, string?> GatewaySettings => new Dictionary<string, string?>();

    internal SessionWatch Watch => _services!.GetRequiredService<SessionWatch>();

    /// <summary>The store of another process, which sends no hints.</summary>
    internal MembershipStore DistantStore => new(Tables, _services!.GetRequiredService<SessionsOptions>(), Time, EventQueue.None);

    protected override IEnumerable<string> Settings => GatewaySettings.Select(setting => $"--{setting.Key}={setting.Value}");

    protected override void Configure(IServiceCollection services)
        => services.AddSingleton<IStartupFilter>(provider =>
        {
            _services = provider;
            return new Nothing();
        });

    private sealed class Nothing : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => next;
    }
}

/// <summary>A participant, with the token with which its devices connect.</summary>
internal sealed record Party(Account Account, string Id, string Token)
{
    public const string Publisher = """{"publishPermissions":["AUDIO","VIDEO"]}""";

    public static async Task<Party> CreateAsync(Account account, string body = Publisher)
    {
        var created = (await account.PostAsync("/participants", body)).Json;
        return new(account, created.GetProperty("participant").GetProperty("id").GetString()!, created.GetProperty("token").GetString()!);
    }

    /// <summary>Joins a session and subscribes to all of it.</summary>
    public Task JoinAsync(string session) => JoinAsync(session, $$"""{"sessionId":"{{session}}"}""");

    public Task JoinAsync(string session, string subscriptions) => Account.JoinAsync(session, Id, subscriptions);
}
