using System.Text;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.Tests;

/// <summary>A server of the API with its own tables, which a test may read.</summary>
public abstract class ApiServer : IAsyncLifetime
{
    /// <param name="keepsContract">Whether every response must be one that the OpenAPI document describes.</param>
    protected ApiServer(bool keepsContract = true)
    {
        var sockets = new SocketsHttpHandler { RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8 };
        Contract = new(sockets);
        Http = new(keepsContract ? Contract : sockets);
    }

    public const string Secret = "s3cret-of-the-writer";
    public const string TokenSigningKey = "the key that signs the tokens of the tests";

    private static int _accounts;

    public HttpClient Http { get; }

    public ContractHandler Contract { get; }

    public abstract Tables Tables { get; }

    public abstract CredentialStore Credentials { get; }

    /// <summary>Advances the time, so that later changes have later times.</summary>
    public abstract Task WaitAMomentAsync();

    public abstract ValueTask InitializeAsync();

    /// <summary>A separate account for a test, with a user who has all permissions.</summary>
    public async Task<Account> NewAccountAsync(string? id = null)
    {
        var account = new Account(this, id ?? $"account-{Interlocked.Increment(ref _accounts)}");
        await account.AddUserAsync(Account.Writer, Secret, Access.Write);
        return account;
    }

    /// <summary>The same, but the server has already cached the user's credential, and that the account's feed is off.</summary>
    public async Task<Account> NewWarmAccountAsync()
    {
        var account = await NewAccountAsync();
        await account.DeleteAsync($"/sessions/{Guid.Empty}");
        return account;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await StopAsync();
        GC.SuppressFinalize(this);
    }

    protected abstract Task StopAsync();
}
