using System.Text;
using Microsoft.Extensions.Configuration;
using Sessions.Security;
using Sessions.Storage;
using Sessions.Webhooks;

namespace Sessions;

/// <summary>The configuration is invalid. The message has one line for each invalid setting and contains no secret.</summary>
public sealed class InvalidConfigurationException(IEnumerable<string> mistakes) : Exception(string.Join('\n', mistakes));

/// <summary>The configuration: the settings whose names begin with <c>Sessions:</c> (in the environment <c>Sessions__</c>).</summary>
public sealed record SessionsOptions
{
    /// <summary>The storage account.</summary>
    public required StorageOptions Storage { get; init; }

    /// <summary>
    /// The key that signs participants' tokens, at least <see cref="SigningKey.MinBytes"/> bytes. It is empty if the key is in a vault.
    /// </summary>
    public ReadOnlyMemory<byte> TokenSigningKey { get; private init; }

    /// <summary>The Key Vault secret that contains the key, if App Service has not resolved the reference to it.</summary>
    public Uri? TokenSigningSecret { get; private init; }

    /// <summary>How long a session lives from its creation.</summary>
    public TimeSpan SessionLifetime { get; private init; }

    /// <summary>How long a participant lives from its creation.</summary>
    public TimeSpan ParticipantLifetime { get; private init; }

    /// <summary>The most participants in a session.</summary>
    public int ParticipantsPerSession { get; private init; }

    /// <summary>How long a request may take before it returns 503.</summary>
    public TimeSpan RequestTimeout { get; private init; }

    /// <summary>How long an idempotency key is valid, at least as long as the lifetime of a session or participant.</summary>
    public TimeSpan IdempotencyKeyLifetime { get; private init; }

    /// <summary>How long events are kept.</summary>
    public TimeSpan EventRetention { get; private init; }

    /// <summary>The rules for the URLs of webhooks.</summary>
    public required WebhookOptions Webhooks { get; init; }

    /// <summary>The configured durations, with the names of their settings.</summary>
    private IReadOnlyList<(string Name, TimeSpan Time)> Times { get; init; } = [];

    /// <summary>
    /// The number of trusted proxies in front of the server. Each of them appends the address of its client to <c>X-Forwarded-For</c>.
    /// </summary>
    public int TrustedProxies { get; private init; }

    // A deletion of a session is one transaction of its members, its header, and the row of the outbox.
    private const int MaxParticipantsPerSession = TableCalls.MaxTransactionActions - 2;
    private const int DefaultParticipantsPerSession = 20;

    // The one proxy is the front end of Azure, or LocalHost itself. With 0, callers could not be told apart.
    private const int DefaultTrustedProxies = 1;
    private const int MaxTrustedProxies = 10;

    private const string UpToAYear = "1 second to 365 days";

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Year = TimeSpan.FromDays(365);
    private static readonly TimeSpan DefaultLifetime = TimeSpan.FromHours(9);

    // Clients repeat a request within days. If a key expired before the repeat, the repeat would create a second resource.
    private static readonly TimeSpan MinIdempotencyKeyLifetime = TimeSpan.FromDays(30);
    private static readonly TimeSpan MaxIdempotencyKeyLifetime = TimeSpan.FromDays(3650);

    // Many clients wait for 30 seconds, and Azure closes a request after 230 seconds. Both limits are below these.
    private static readonly TimeSpan DefaultRequestTimeout = TimeSpan.FromSeconds(25);
    private static readonly TimeSpan MaxRequestTimeout = TimeSpan.FromSeconds(200);

    /// <summary>How long events are kept by default.</summary>
    public static readonly TimeSpan DefaultEventRetention = TimeSpan.FromDays(7);

    /// <summary>Every setting whose name begins with <c>Sessions:</c>.</summary>
    public static IReadOnlyList<Setting> All { get; } =
    [
        .. StorageOptions.All,
        new("Sessions:TokenSigningKey", "The key that signs the tokens of participants, at least 32 bytes."),
        new("Sessions:SessionLifetime", "How long a session lives, for example 9h."),
        new("Sessions:ParticipantLifetime", "How long a participant lives, for example 9h."),
        new("Sessions:ParticipantsPerSession", "The maximum number of participants in a session, 1 to 98."),
        new("Sessions:EventRetention", "How long events are kept, for example 7d."),
        new("Sessions:IdempotencyKeyLifetime", "How long an idempotency key is remembered, at least 30d."),
        new("Sessions:RequestTimeout", "How long a request may take, 1s to 200s."),
        new("Sessions:TrustedProxies", "The number of trusted proxies that append to X-Forwarded-For, 1 to 10."),
        .. WebhookOptions.All,
    ];

    /// <summary>Reads and checks the settings.</summary>
    /// <exception cref="InvalidConfigurationException">A setting is missing or invalid.</exception>
    public static SessionsOptions Read(IConfiguration configuration)
    {
        var settings = new SettingsReader(configuration, "Sessions");
        var sessionLifetime = settings.Time(nameof(SessionLifetime), DefaultLifetime, Second, Year, UpToAYear);
        var participantLifetime = settings.Time(nameof(ParticipantLifetime), DefaultLifetime, Second, Year, UpToAYear);
        var storage = StorageOptions.Read(settings);
        var (key, secret) = ReadTokenSigningKey(settings);
        return settings.Checked(new SessionsOptions
        {
            Storage = storage,
            TokenSigningKey = key,
            TokenSigningSecret = secret,
            SessionLifetime = sessionLifetime,
            ParticipantLifetime = participantLifetime,
            IdempotencyKeyLifetime = ReadIdempotencyKeyLifetime(settings, sessionLifetime > participantLifetime ? sessionLifetime : participantLifetime),
            EventRetention = ReadEventRetention(settings),
            ParticipantsPerSession = settings.Number(nameof(ParticipantsPerSession), DefaultParticipantsPerSession, 1, MaxParticipantsPerSession),
            RequestTimeout = settings.Time(nameof(RequestTimeout), DefaultRequestTimeout, Second, MaxRequestTimeout, "1 to 200 seconds"),
            Webhooks = WebhookOptions.Read(settings, WebhookOptions.Strict),
            TrustedProxies = settings.Number(nameof(TrustedProxies), DefaultTrustedProxies, 1, MaxTrustedProxies),
            Times = settings.Times,
        });
    }

    /// <summary>Reads only the setting for how long events are kept.</summary>
    /// <exception cref="InvalidConfigurationException">The setting is invalid.</exception>
    public static TimeSpan ReadEventRetention(IConfiguration configuration)
    {
        var settings = new SettingsReader(configuration, "Sessions");
        return settings.Checked(ReadEventRetention(settings));
    }

    /// <summary>Describes how each configured duration was read, one line for each.</summary>
    public IEnumerable<string> DescribeTimes(DateTimeOffset now)
        => Times.Select(setting => $"{setting.Name}: {setting.Time:c}, for example from now until {now + setting.Time:yyyy-MM-dd HH:mm:ss}Z.");

    private static TimeSpan ReadEventRetention(SettingsReader settings)
        => settings.Time(nameof(EventRetention), DefaultEventRetention, Second, Year, UpToAYear);

    /// <summary>
    /// Reads the key, or the URL of the secret that a Key Vault reference names. App Service passes the reference itself to the app if it
    /// cannot read the vault.
    /// </summary>
    private static (byte[] Key, Uri? Secret) ReadTokenSigningKey(SettingsReader settings)
    {
        var text = settings.Text(nameof(TokenSigningKey)) ?? "";
        if (text.StartsWith("@Microsoft.KeyVault(", StringComparison.OrdinalIgnoreCase))
        {
            if (SecretOf(text) is { } secret)
                return ([], secret);

            settings.Refuse(
                nameof(TokenSigningKey), "expected a complete Key Vault reference, for example @Microsoft.KeyVault(VaultName=VAULT;SecretName=NAME).");
            return ([], null);
        }

        var key = Encoding.UTF8.GetBytes(text);
        if (key.Length < SigningKey.MinBytes)
            settings.Refuse(nameof(TokenSigningKey), $"expected at least {SigningKey.MinBytes} bytes, but got {key.Length}.");

        return (key, null);
    }

    // https://learn.microsoft.com/azure/app-service/app-service-key-vault-references#source-app-settings-from-key-vault
    private static Uri? SecretOf(string reference)
    {
        var parts = reference[(reference.IndexOf('(', StringComparison.Ordinal) + 1)..].TrimEnd(')').Split(';', StringSplitOptions.TrimEntries)
            .Select(part => part.Split('=', 2)).Where(part => part.Length == 2).ToLookup(part => part[0], part => part[1], StringComparer.OrdinalIgnoreCase);
        var text = parts["SecretUri"].FirstOrDefault()
            ?? $"https://{parts["VaultName"].FirstOrDefault()}.vault.azure.net/secrets/{parts["SecretName"].FirstOrDefault()}/{parts["SecretVersion"].FirstOrDefault()}";
        return Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme == Uri.UriSchemeHttps && uri.Segments is ["/", "secrets/", not "/", ..] ? uri : null;
    }

    private static TimeSpan ReadIdempotencyKeyLifetime(SettingsReader settings, TimeSpan longestLifetime)
    {
        var least = longestLifetime > MinIdempotencyKeyLifetime ? longestLifetime : MinIdempotencyKeyLifetime;
        return settings.Time(
            nameof(IdempotencyKeyLifetime), least, least, MaxIdempotencyKeyLifetime, "30 to 3650 days, and at least the lifetime of a session or participant");
    }
}
