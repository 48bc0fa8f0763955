using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Sessions.Security;

namespace Sessions.Tests;

/// <summary>An app whose signing key is a Key Vault reference that App Service has not resolved.</summary>
public sealed class SigningKeyTests(SigningKeyTests.ServerWithVault server) : IClassFixture<SigningKeyTests.ServerWithVault>
{
    [Fact]
    public async Task Requests_get_503_until_a_later_read_of_the_vault_succeeds()
    {
        server.Time.Stop();
        var account = await server.NewAccountAsync();

        var before = await account.PostAsync("/participants");
        before.IsError(HttpStatusCode.ServiceUnavailable, "The token signing key cannot be read from the vault yet. Try again.");
        Assert.Equal(1, server.Looks);
        using (var health = await server.Http.GetAsync("/health"))
            Assert.Equal(HttpStatusCode.ServiceUnavailable, health.StatusCode);
        Assert.Equal(1, server.Looks);

        server.Secret = "too short";
        server.Time.Advance(SigningKey.Pause);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await account.PostAsync("/participants")).Status);

        server.Secret = Server.TokenSigningKey;
        server.Time.Advance(SigningKey.Pause);
        Assert.Equal(HttpStatusCode.OK, (await account.PostAsync("/participants")).Status);
        Assert.Equal(HttpStatusCode.OK, (await account.PostAsync("/participants")).Status);
        Assert.Equal(3, server.Looks);
        Assert.Equal(new Uri("https://my-vault.vault.azure.net/secrets/token-signing-key/"), server.Asked);
    }

    [Theory]
    [InlineData(31)]
    [InlineData(32)]
    public async Task A_key_in_the_vault_needs_32_bytes(int length)
    {
        var key = KeyIn($"vault{length}", () => Task.FromResult(new string('k', length)), new());

        Assert.Equal(length == 32, await key.IsThereAsync(CancellationToken.None));
        Assert.Equal(length == 31, IsLogged($"The token signing key in vault{length}.vault.azure.net has {length} bytes"));
    }

    [Fact]
    public async Task A_vault_that_cannot_be_read_is_logged_and_read_again_after_a_pause()
    {
        var (time, reads) = (new Clock(), 0);
        time.Stop();
        var key = KeyIn("unread", () => throw new Azure.RequestFailedException(403, $"Read {++reads} times."), time);

        Assert.False(await key.IsThereAsync(CancellationToken.None));
        Assert.True(IsLogged("The token signing key cannot be read from unread.vault.azure.net."));
        time.Advance(SigningKey.Pause - TimeSpan.FromTicks(1));
        Assert.False(await key.IsThereAsync(CancellationToken.None));
        Assert.Equal(1, reads);
        time.Advance(TimeSpan.FromTicks(1));
        Assert.False(await key.IsThereAsync(CancellationToken.None));
        Assert.Equal(2, reads);
    }

    [Fact]
    public async Task Requests_that_arrive_during_a_read_wait_for_it()
    {
        var (read, reads) = (new TaskCompletionSource<string>(), 0);
        var key = KeyIn("slow", ReadAsync, new());
        Task<bool>[] waiting = [key.IsThereAsync(CancellationToken.None).AsTask(), key.IsThereAsync(CancellationToken.None).AsTask()];

        Assert.All(waiting, one => Assert.False(one.IsCompleted));
        read.SetResult(Server.TokenSigningKey);

        Assert.All(await Task.WhenAll(waiting), Assert.True);
        Assert.Equal(1, reads);

        Task<string> ReadAsync()
        {
            reads++;
            return read.Task;
        }
    }

    [Theory]
    [InlineData("@Microsoft.KeyVault(VaultName=v;SecretName=s;SecretVersion=1)", "https://v.vault.azure.net/secrets/s/1")]
    [InlineData("@Microsoft.KeyVault(SecretUri=https://v.vault.azure.cn/secrets/s/)", "https://v.vault.azure.cn/secrets/s/")]
    [InlineData("@microsoft.keyvault(secretname=s; vaultname=v)", "https://v.vault.azure.net/secrets/s/")]
    public void The_URL_of_the_secret_is_read_from_a_Key_Vault_reference(string reference, string secret) => Assert.Equal(new Uri(secret), Read(reference).TokenSigningSecret);

    [Theory]
    [InlineData("@Microsoft.KeyVault(VaultName=v)")]
    [InlineData("@Microsoft.KeyVault(SecretName=s)")]
    [InlineData("@Microsoft.KeyVault(SecretUri=http://v.vault.azure.net/secrets/s)")]
    [InlineData("@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/keys/s)")]
    [InlineData("@Microsoft.KeyVault(a key that is long enough to be one)")]
    public void An_invalid_Key_Vault_reference_is_rejected_and_never_used_as_a_key(string reference)
        => Assert.Throws<InvalidConfigurationException>(() => Read(reference));

    private static SigningKey KeyIn(string vault, Func<Task<string>> read, Clock time)
    {
        using var loggers = new LoggerFactory([CapturedLogs.Provider]);
        return new(
            Read($"@Microsoft.KeyVault(VaultName={vault};SecretName=s)"), (_, _) => read(), time, loggers.CreateLogger<SigningKey>());
    }

    private static bool IsLogged(string text) => CapturedLogs.All.Any(entry => entry.Contains(text, StringComparison.Ordinal));

    private static SessionsOptions Read(string key) => TestOptions.With(("Sessions:TokenSigningKey", key));

    public sealed class ServerWithVault(AzuriteFixture azurite) : Server(azurite)
    {
        private int _looks;

        public new string? Secret { get; set; }

        public Uri? Asked { get; private set; }

        public int Looks => _looks;

        protected override IEnumerable<string> Settings => ["--Sessions:TokenSigningKey=@Microsoft.KeyVault(VaultName=my-vault;SecretName=token-signing-key)"];

        protected override void Configure(IServiceCollection services)
            => services.AddSingleton(provider => new SigningKey(
                provider.GetRequiredService<SessionsOptions>(), ReadAsync, Time, provider.GetRequiredService<ILogger<SigningKey>>()));

        private Task<string> ReadAsync(Uri secret, CancellationToken cancellation)
        {
            (_looks, Asked) = (_looks + 1, secret);
            return Secret is { } found ? Task.FromResult(found) : throw new Azure.RequestFailedException(403, "The role is not known yet.");
        }
    }
}
