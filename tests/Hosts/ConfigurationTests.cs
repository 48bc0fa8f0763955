using Microsoft.Extensions.Configuration;

namespace Sessions.Tests;

/// <summary>The settings: their names, their defaults, and a line for each mistake.</summary>
public sealed class ConfigurationTests
{
    private const string Storage = "Sessions:StorageConnectionString";
    private const string Endpoint = "Sessions:StorageTableEndpoint";
    private const string Key = "Sessions:TokenSigningKey";

    [Fact]
    public void Storage_and_key_are_enough()
    {
        var options = Read((Storage, "UseDevelopmentStorage=true"), (Key, Server.TokenSigningKey));

        Assert.Equal("UseDevelopmentStorage=true", options.Storage.ConnectionString);
        Assert.Null(options.Storage.TableEndpoint);
        Assert.Equal((TimeSpan.FromHours(9), TimeSpan.FromHours(9), 20), (options.SessionLifetime, options.ParticipantLifetime, options.ParticipantsPerSession));
        Assert.Equal(TimeSpan.FromSeconds(25), options.RequestTimeout);
        Assert.Equal(1, options.TrustedProxies);
    }

    [Fact]
    public void Everything_can_be_set()
    {
        var options = Read(
            (Endpoint, "https://account.table.core.windows.net"), (Key, Server.TokenSigningKey),
            ("Sessions:SessionLifetime", "1.00:00:00"), ("Sessions:ParticipantLifetime", "00:00:01"), ("Sessions:ParticipantsPerSession", "98"),
            ("Sessions:RequestTimeout", "00:03:20"), ("Sessions:TrustedProxies", "10"));

        Assert.Null(options.Storage.ConnectionString);
        Assert.Equal(new Uri("https://account.table.core.windows.net"), options.Storage.TableEndpoint);
        Assert.Equal((TimeSpan.FromDays(1), TimeSpan.FromSeconds(1), 98), (options.SessionLifetime, options.ParticipantLifetime, options.ParticipantsPerSession));
        Assert.Equal(TimeSpan.FromSeconds(200), options.RequestTimeout);
        Assert.Equal(10, options.TrustedProxies);
    }

    [Theory]
    [InlineData(Storage, "", "Sessions:StorageConnectionString or Sessions:StorageTableEndpoint: neither is set; set one.")]
    [InlineData(Storage, "AccountName=top-secret", "Sessions:StorageConnectionString: expected a storage connection string.")]
    [InlineData(Storage, "top-secret", "Sessions:StorageConnectionString: expected a storage connection string.")]
    [InlineData(Endpoint, "https://account.table.core.windows.net", "Sessions:StorageConnectionString or Sessions:StorageTableEndpoint: both are set; set only one.")]
    [InlineData(Key, "", "Sessions:TokenSigningKey: expected at least 32 bytes, and there are 0.")]
    [InlineData(Key, "@Microsoft.KeyVault(VaultName=top;SecretName=secret)", "Sessions:TokenSigningKey: the Key Vault reference could not be resolved.")]
    [InlineData(Key, "1234567890123456789012345678901", "Sessions:TokenSigningKey: expected at least 32 bytes, and there are 31.")]
    [InlineData("Sessions:SessionLifetime", "9 hours", "Sessions:SessionLifetime: expected a time of 1 second to 365 days, as in 09:00:00.")]
    [InlineData("Sessions:SessionLifetime", "00:00:00", "Sessions:SessionLifetime: expected a time of 1 second to 365 days, as in 09:00:00.")]
    [InlineData("Sessions:ParticipantLifetime", "366.00:00:00", "Sessions:ParticipantLifetime: expected a time of 1 second to 365 days, as in 09:00:00.")]
    [InlineData("Sessions:EventRetention", "366.00:00:00", "Sessions:EventRetention: expected a time of 1 second to 365 days, as in 7.00:00:00.")]
    [InlineData("Sessions:IdempotencyKeyLifetime", "29.23:59:59", "Sessions:IdempotencyKeyLifetime: expected a time of 30 to 3650 days, as in 30.00:00:00, and no less than a session or participant lives.")]
    [InlineData("Sessions:IdempotencyKeyLifetime", "3651.00:00:00", "Sessions:IdempotencyKeyLifetime: expected a time of 30 to 3650 days, as in 30.00:00:00, and no less than a session or participant lives.")]
    [InlineData("Sessions:ParticipantsPerSession", "0", "Sessions:ParticipantsPerSession: expected a number from 1 to 98.")]
    [InlineData("Sessions:ParticipantsPerSession", "99", "Sessions:ParticipantsPerSession: expected a number from 1 to 98.")]
    [InlineData("Sessions:ParticipantsPerSession", "many", "Sessions:ParticipantsPerSession: expected a number from 1 to 98.")]
    [InlineData("Sessions:RequestTimeout", "00:00:00.9", "Sessions:RequestTimeout: expected a time of 1 to 200 seconds, as in 00:00:25.")]
    [InlineData("Sessions:RequestTimeout", "00:03:21", "Sessions:RequestTimeout: expected a time of 1 to 200 seconds, as in 00:00:25.")]
    [InlineData("Sessions:RequestTimeout", "soon", "Sessions:RequestTimeout: expected a time of 1 to 200 seconds, as in 00:00:25.")]
    [InlineData("Sessions:TrustedProxies", "0", "Sessions:TrustedProxies: expected a number from 1 to 10.")]
    [InlineData("Sessions:TrustedProxies", "11", "Sessions:TrustedProxies: expected a number from 1 to 10.")]
    [InlineData("Sessions:TrustedProxies", "-1", "Sessions:TrustedProxies: expected a number from 1 to 10.")]
    [InlineData("Sessions:TrustedProxies", "Front Door", "Sessions:TrustedProxies: expected a number from 1 to 10.")]
    public void A_mistake_is_one_line_without_any_secret(string name, string value, string line)
    {
        var exception = Assert.Throws<InvalidConfigurationException>(
            () => Read((Storage, "UseDevelopmentStorage=true"), (Key, Server.TokenSigningKey), (name, value)));

        Assert.Equal(line, exception.Message);
    }

    [Fact]
    public void An_idempotency_key_is_remembered_as_long_as_anything_lives()
    {
        Assert.Equal(TimeSpan.FromDays(30), Read((Storage, "UseDevelopmentStorage=true"), (Key, Server.TokenSigningKey)).IdempotencyKeyLifetime);
        Assert.Equal(
            TimeSpan.FromDays(100),
            Read((Storage, "UseDevelopmentStorage=true"), (Key, Server.TokenSigningKey), ("Sessions:ParticipantLifetime", "100.00:00:00")).IdempotencyKeyLifetime);
        Assert.Throws<InvalidConfigurationException>(() => Read(
            (Storage, "UseDevelopmentStorage=true"), (Key, Server.TokenSigningKey),
            ("Sessions:SessionLifetime", "100.00:00:00"), ("Sessions:IdempotencyKeyLifetime", "99.00:00:00")));
    }

    [Theory]
    [InlineData("http://account.table.core.windows.net")]
    [InlineData("account.table.core.windows.net")]
    public void A_table_endpoint_is_an_https_URL(string endpoint)
    {
        var exception = Assert.Throws<InvalidConfigurationException>(() => Read((Endpoint, endpoint), (Key, Server.TokenSigningKey)));

        Assert.Equal("Sessions:StorageTableEndpoint: expected an https URL, such as https://ACCOUNT.table.core.windows.net.", exception.Message);
    }

    [Fact]
    public void Every_mistake_is_told_at_once()
    {
        var exception = Assert.Throws<InvalidConfigurationException>(() => Read(("Sessions:SessionLifetime", "long")));

        Assert.Equal(3, exception.Message.Split('\n').Length);
    }

    private static SessionsOptions Read(params (string Name, string Value)[] settings)
        => SessionsOptions.Read(new ConfigurationBuilder().AddInMemoryCollection(
            settings.GroupBy(setting => setting.Name).Select(group => KeyValuePair.Create(group.Key, (string?)group.Last().Value))).Build());
}
