using System.Globalization;
using Microsoft.Extensions.Configuration;
using Sessions.Gateway;
using Sessions.Tests.Infrastructure;

namespace Sessions.Tests;

/// <summary>The names and defaults of the settings, and one line for each mistake.</summary>
public sealed class ConfigurationTests
{
    private const string Storage = "Sessions:StorageConnectionString";
    private const string Endpoint = "Sessions:StorageTableEndpoint";
    private const string Key = "Sessions:TokenSigningKey";

    [Fact]
    public void Storage_and_signing_key_are_the_only_required_settings()
    {
        var options = Read((Storage, "UseDevelopmentStorage=true"), (Key, Server.TokenSigningKey));

        Assert.Equal("UseDevelopmentStorage=true", options.Storage.ConnectionString);
        Assert.Null(options.Storage.TableEndpoint);
        Assert.Equal((TimeSpan.FromHours(9), TimeSpan.FromHours(9), 20), (options.SessionLifetime, options.ParticipantLifetime, options.ParticipantsPerSession));
        Assert.Equal(TimeSpan.FromSeconds(25), options.RequestTimeout);
        Assert.Equal(1, options.TrustedProxies);
    }

    [Fact]
    public void Every_setting_can_be_changed()
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
    [InlineData(Storage, "", "Sessions__StorageConnectionString or Sessions__StorageTableEndpoint: neither is set. Set one.")]
    [InlineData(Storage, "AccountName=top-secret", "Sessions__StorageConnectionString: expected a storage connection string.")]
    [InlineData(Storage, "top-secret", "Sessions__StorageConnectionString: expected a storage connection string.")]
    [InlineData(Endpoint, "https://account.table.core.windows.net", "Sessions__StorageConnectionString or Sessions__StorageTableEndpoint: both are set. Set only one.")]
    [InlineData(Key, "", "Sessions__TokenSigningKey: expected at least 32 bytes, but got 0.")]
    [InlineData(Key, "@Microsoft.KeyVault(VaultName=top-secret)", "Sessions__TokenSigningKey: expected a complete Key Vault reference, for example @Microsoft.KeyVault(VaultName=VAULT;SecretName=NAME).")]
    [InlineData(Key, "1234567890123456789012345678901", "Sessions__TokenSigningKey: expected at least 32 bytes, but got 31.")]
    [InlineData("Sessions:SessionLifetime", "9 hours", "Sessions__SessionLifetime: expected a time of 1 second to 365 days, for example 9h, PT9H, or 09:00:00 (d.hh:mm:ss, at most 23 hours).")]
    [InlineData("Sessions:SessionLifetime", "24:00:00", "Sessions__SessionLifetime: expected a time of 1 second to 365 days, for example 9h, PT9H, or 09:00:00 (d.hh:mm:ss, at most 23 hours).")]
    [InlineData("Sessions:SessionLifetime", "00:00:00", "Sessions__SessionLifetime: expected a time of 1 second to 365 days, for example 9h, PT9H, or 09:00:00 (d.hh:mm:ss, at most 23 hours).")]
    [InlineData("Sessions:ParticipantLifetime", "366.00:00:00", "Sessions__ParticipantLifetime: expected a time of 1 second to 365 days, for example 9h, PT9H, or 09:00:00 (d.hh:mm:ss, at most 23 hours).")]
    [InlineData("Sessions:EventRetention", "366.00:00:00", "Sessions__EventRetention: expected a time of 1 second to 365 days, for example 7d, P7D, or 7.00:00:00 (d.hh:mm:ss, at most 23 hours).")]
    [InlineData("Sessions:IdempotencyKeyLifetime", "29.23:59:59", "Sessions__IdempotencyKeyLifetime: expected a time of 30 to 3650 days, and at least the lifetime of a session or participant, for example 30d, P30D, or 30.00:00:00 (d.hh:mm:ss, at most 23 hours).")]
    [InlineData("Sessions:IdempotencyKeyLifetime", "3651.00:00:00", "Sessions__IdempotencyKeyLifetime: expected a time of 30 to 3650 days, and at least the lifetime of a session or participant, for example 30d, P30D, or 30.00:00:00 (d.hh:mm:ss, at most 23 hours).")]
    [InlineData("Sessions:ParticipantsPerSession", "0", "Sessions__ParticipantsPerSession: expected a number from 1 to 98.")]
    [InlineData("Sessions:ParticipantsPerSession", "99", "Sessions__ParticipantsPerSession: expected a number from 1 to 98.")]
    [InlineData("Sessions:ParticipantsPerSession", "many", "Sessions__ParticipantsPerSession: expected a number from 1 to 98.")]
    [InlineData("Sessions:RequestTimeout", "00:00:00.9", "Sessions__RequestTimeout: expected a time of 1 to 200 seconds, for example 25s, PT25S, or 00:00:25 (d.hh:mm:ss, at most 23 hours).")]
    [InlineData("Sessions:RequestTimeout", "00:03:21", "Sessions__RequestTimeout: expected a time of 1 to 200 seconds, for example 25s, PT25S, or 00:00:25 (d.hh:mm:ss, at most 23 hours).")]
    [InlineData("Sessions:RequestTimeout", "soon", "Sessions__RequestTimeout: expected a time of 1 to 200 seconds, for example 25s, PT25S, or 00:00:25 (d.hh:mm:ss, at most 23 hours).")]
    [InlineData("Sessions:TrustedProxies", "0", "Sessions__TrustedProxies: expected a number from 1 to 10.")]
    [InlineData("Sessions:TrustedProxies", "11", "Sessions__TrustedProxies: expected a number from 1 to 10.")]
    [InlineData("Sessions:TrustedProxies", "-1", "Sessions__TrustedProxies: expected a number from 1 to 10.")]
    [InlineData("Sessions:TrustedProxies", "Front Door", "Sessions__TrustedProxies: expected a number from 1 to 10.")]
    public void An_invalid_setting_is_reported_in_one_line_without_secrets(string name, string value, string line)
    {
        var exception = Assert.Throws<InvalidConfigurationException>(
            () => Read((Storage, "UseDevelopmentStorage=true"), (Key, Server.TokenSigningKey), (name, value)));

        Assert.Equal(line, exception.Message);
    }

    [Fact]
    public void The_lifetime_of_idempotency_keys_covers_the_lifetimes_of_sessions_and_participants()
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
    public void A_table_endpoint_must_be_an_https_URL(string endpoint)
    {
        var exception = Assert.Throws<InvalidConfigurationException>(() => Read((Endpoint, endpoint), (Key, Server.TokenSigningKey)));

        Assert.Equal("Sessions__StorageTableEndpoint: expected an https URL, for example https://ACCOUNT.table.core.windows.net.", exception.Message);
    }

    [Fact]
    public void Every_invalid_setting_is_reported_at_once()
    {
        var exception = Assert.Throws<InvalidConfigurationException>(() => Read(("Sessions:SessionLifetime", "long")));

        Assert.Equal(3, exception.Message.Split('\n').Length);
    }

    [Theory]
    [InlineData("90s", "00:01:30")]
    [InlineData("90m", "01:30:00")]
    [InlineData("9h", "09:00:00")]
    [InlineData("36h", "1.12:00:00")]
    [InlineData("1d", "1.00:00:00")]
    [InlineData("1d12h", "1.12:00:00")]
    [InlineData("PT9H", "09:00:00")]
    [InlineData("P1DT12H", "1.12:00:00")]
    [InlineData("PT0.5S", "00:00:00.5")]
    [InlineData("09:00:00", "09:00:00")]
    [InlineData("23:59:59.9", "23:59:59.9")]
    [InlineData("30.00:00:00", "30.00:00:00")]
    [InlineData("0s", "00:00:00")]
    public void A_duration_is_a_number_with_a_unit_a_clock_time_or_ISO_8601(string text, string expected)
    {
        Assert.True(Durations.TryParse(text, out var time));
        Assert.Equal(TimeSpan.ParseExact(expected, "c", CultureInfo.InvariantCulture), time);
    }

    [Theory]
    [InlineData("24:00:00")]
    [InlineData("1.24:00:00")]
    [InlineData("09:60:00")]
    [InlineData("09:00")]
    [InlineData("9")]
    [InlineData("3600")]
    [InlineData("")]
    [InlineData("h")]
    [InlineData("9 h")]
    [InlineData("9H")]
    [InlineData("1h1d")]
    [InlineData("-1h")]
    [InlineData("-PT1H")]
    [InlineData("-01:00:00")]
    [InlineData("P1M")]
    [InlineData("P1Y")]
    [InlineData("P")]
    [InlineData("PT")]
    [InlineData("99999999999999999999d")]
    [InlineData("9999999999d")]
    [InlineData("99999999999999999.00:00:00")]
    [InlineData("P99999999999D")]
    public void An_ambiguous_or_invalid_duration_is_rejected(string text) => Assert.False(Durations.TryParse(text, out _));

    [Theory]
    [InlineData("00:00:25")]
    [InlineData("09:00:00")]
    [InlineData("1.12:30:00")]
    [InlineData("31.00:00:00.5")]
    public void The_examples_in_an_error_are_accepted(string example)
    {
        var words = Durations.Describe(TimeSpan.Parse(example, CultureInfo.InvariantCulture)).Split(' ');
        var times = new[] { words[2].TrimEnd(','), words[3].TrimEnd(','), words[5] }.Select(text => Durations.TryParse(text, out var time) ? time : default).ToArray();

        Assert.Single(times.Distinct());
        Assert.True(times[0] >= TimeSpan.Parse(example, CultureInfo.InvariantCulture));
    }

    [Fact]
    public void A_configured_duration_is_reported_as_parsed_and_a_default_is_not_reported()
        => Assert.Equal(
            ["Sessions__SessionLifetime: 1.12:00:00, for example from now until 2026-03-02 20:30:00Z."],
            Read((Storage, "UseDevelopmentStorage=true"), (Key, Server.TokenSigningKey), ("Sessions:SessionLifetime", "36h"))
                .DescribeTimes(new(2026, 3, 1, 8, 30, 0, TimeSpan.Zero)));

    [Fact]
    public void An_invalid_setting_is_named_in_the_syntax_of_its_source()
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection([new("Sessions:SessionLifetime", "x"), new("Sessions:RequestTimeout", "x"), new(Storage, "UseDevelopmentStorage=true"), new(Key, Server.TokenSigningKey)])
            .AddCommandLine(["--Sessions:RequestTimeout=y"])
            .Build();

        var mistakes = Assert.Throws<InvalidConfigurationException>(() => SessionsOptions.Read(configuration)).Message.Split('\n');

        Assert.Equal(["Sessions__SessionLifetime", "--Sessions:RequestTimeout"], mistakes.Select(line => line.Split(": ")[0]));
    }

    [Fact]
    public void An_unknown_setting_is_reported_with_the_closest_known_setting()
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection([new("Sessions:SessionLifetme", "9h"), new("Sessions:webhooks:allowhttp", "true"), new("SessionsStorage:QueueServiceUri", "x")])
            .AddCommandLine(["--Sessions:Webhook:AllowHttp=true", "--Gateway:Port=7072"])
            .Build();

        Assert.Equal(
            [
                "Sessions__SessionLifetme: there is no such setting. Did you mean Sessions__SessionLifetime?",
                "--Sessions:Webhook:AllowHttp: there is no such setting. Did you mean --Sessions:Webhooks:AllowHttp?",
                "--Gateway:Port: there is no such setting. Did you mean --Gateway:MediaPort?",
            ],
            GatewayOptions.FindUnknownSettings(configuration));
    }

    [Fact]
    public void The_README_lists_exactly_the_settings_of_the_code()
        => Assert.Equal(
            SessionsOptions.All.Select(setting => setting.Name).Order(),
            File.ReadLines(Path.Combine(Bicep.RepositoryFolder, "README.md"))
                .Where(line => line.StartsWith("| `Sessions:", StringComparison.Ordinal)).Select(line => line.Split('`')[1]).Order());

    private static SessionsOptions Read(params (string Name, string Value)[] settings)
        => SessionsOptions.Read(new ConfigurationBuilder().AddInMemoryCollection(
            settings.GroupBy(setting => setting.Name).Select(group => KeyValuePair.Create(group.Key, (string?)group.Last().Value))).Build());
}
