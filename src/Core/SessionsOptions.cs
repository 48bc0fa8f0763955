using System.Globalization;
using System.Text;
using Microsoft.Extensions.Configuration;
using Sessions.Storage;
using Sessions.Webhooks;

namespace Sessions;

/// <summary>The configuration cannot be used. The message has a line for each mistake and no secret.</summary>
public sealed class InvalidConfigurationException(IEnumerable<string> mistakes) : Exception(string.Join('\n', mistakes));

/// <summary>The configuration: the settings whose names begin with <c>Sessions:</c> (in the environment <c>Sessions__</c>).</summary>
public sealed record SessionsOptions
{
    /// <summary>Where the tables are.</summary>
    public required StorageOptions Storage { get; init; }

    /// <summary>The key that signs participants' tokens, at least <see cref="MinTokenSigningKeyBytes"/> bytes.</summary>
    public ReadOnlyMemory<byte> TokenSigningKey { get; private init; }

    /// <summary>How long a session lives from its creation.</summary>
    public TimeSpan SessionLifetime { get; private init; }

    /// <summary>How long a participant lives from its creation.</summary>
    public TimeSpan ParticipantLifetime { get; private init; }

    /// <summary>The most participants in a session.</summary>
    public int ParticipantsPerSession { get; private init; }

    /// <summary>How long a request may take before it is given up with a 503.</summary>
    public TimeSpan RequestTimeout { get; private init; }

    /// <summary>How long an idempotency key is remembered, at least as long as a session or participant lives.</summary>
    public TimeSpan IdempotencyKeyLifetime { get; private init; }

    /// <summary>How long events are kept.</summary>
    public TimeSpan EventRetention { get; private init; }

    /// <summary>Which receivers webhooks may have.</summary>
    public required WebhookOptions Webhooks { get; init; }

    /// <summary>How many proxies in front add the address that they saw to the end of <c>X-Forwarded-For</c>, and are trusted to.</summary>
    public int TrustedProxies { get; private init; }

    private const int MinTokenSigningKeyBytes = 32;

    // A session is deleted in one transaction: its members, its header, and the row of the outbox.
    private const int MaxParticipantsPerSession = TableCalls.MaxTransactionActions - 2;
    private const int DefaultParticipantsPerSession = 20;

    // The front end of Azure, or LocalHost itself. None would be no way to tell callers apart.
    private const int DefaultTrustedProxies = 1;
    private const int MaxTrustedProxies = 10;

    private const string LifetimeRange = "1 second to 365 days, as in 09:00:00";

    private static readonly TimeSpan DefaultLifetime = TimeSpan.FromHours(9);
    private static readonly TimeSpan MaxLifetime = TimeSpan.FromDays(365);

    // A client that repeats a request does so within days; a key that is forgotten too early would create a second resource.
    private static readonly TimeSpan MinIdempotencyKeyLifetime = TimeSpan.FromDays(30);
    /// <summary>How long events are kept unless a setting says otherwise.</summary>
    public static readonly TimeSpan DefaultEventRetention = TimeSpan.FromDays(7);
    private static readonly TimeSpan MaxEventRetention = TimeSpan.FromDays(365);

    private static readonly TimeSpan MaxIdempotencyKeyLifetime = TimeSpan.FromDays(3650);

    // Below the 30 seconds that many clients wait, and the 230 seconds after which Azure cuts off a request.
    private static readonly TimeSpan DefaultRequestTimeout = TimeSpan.FromSeconds(25);
    private static readonly TimeSpan MaxRequestTimeout = TimeSpan.FromSeconds(200);

    /// <summary>Reads and checks the settings.</summary>
    /// <exception cref="InvalidConfigurationException">A setting is missing or wrong.</exception>
    public static SessionsOptions Read(IConfiguration configuration)
    {
        List<string> mistakes = [];
        var section = configuration.GetSection("Sessions");
        var sessionLifetime = ReadTime(section, nameof(SessionLifetime), DefaultLifetime, MaxLifetime, LifetimeRange, mistakes);
        var participantLifetime = ReadTime(section, nameof(ParticipantLifetime), DefaultLifetime, MaxLifetime, LifetimeRange, mistakes);
        var options = new SessionsOptions
        {
            Storage = StorageOptions.Read(section, mistakes),
            TokenSigningKey = ReadTokenSigningKey(section, mistakes),
            SessionLifetime = sessionLifetime,
            ParticipantLifetime = participantLifetime,
            IdempotencyKeyLifetime = ReadIdempotencyKeyLifetime(
                section, sessionLifetime > participantLifetime ? sessionLifetime : participantLifetime, mistakes),
            EventRetention = ReadTime(
                section, nameof(EventRetention), DefaultEventRetention, MaxEventRetention, "1 second to 365 days, as in 7.00:00:00", mistakes),
            ParticipantsPerSession = ReadNumber(
                section, nameof(ParticipantsPerSession), DefaultParticipantsPerSession, 1, MaxParticipantsPerSession, mistakes),
            RequestTimeout = ReadTime(
                section, nameof(RequestTimeout), DefaultRequestTimeout, MaxRequestTimeout, "1 to 200 seconds, as in 00:00:25", mistakes),
            Webhooks = WebhookOptions.Read(section, WebhookOptions.Strict, mistakes),
            TrustedProxies = ReadNumber(section, nameof(TrustedProxies), DefaultTrustedProxies, 1, MaxTrustedProxies, mistakes),
        };

        return mistakes.Count == 0 ? options : throw new InvalidConfigurationException(mistakes);
    }

    private static byte[] ReadTokenSigningKey(IConfiguration section, List<string> mistakes)
    {
        var text = section[nameof(TokenSigningKey)] ?? "";

        // App Service hands the reference itself to the app when it cannot read the vault: long enough, and known to everyone.
        if (text.StartsWith("@Microsoft.KeyVault(", StringComparison.OrdinalIgnoreCase))
        {
            mistakes.Add($"Sessions:{nameof(TokenSigningKey)}: the Key Vault reference could not be resolved.");
            return [];
        }

        var key = Encoding.UTF8.GetBytes(text);
        if (key.Length < MinTokenSigningKeyBytes)
            mistakes.Add($"Sessions:{nameof(TokenSigningKey)}: expected at least {MinTokenSigningKeyBytes} bytes, and there are {key.Length}.");

        return key;
    }

    private static TimeSpan ReadTime(
        IConfiguration section, string name, TimeSpan byDefault, TimeSpan longest, string range, List<string> mistakes)
    {
        if (section[name] is not { Length: > 0 } text)
            return byDefault;
        if (TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var time) && time >= TimeSpan.FromSeconds(1) && time <= longest)
            return time;

        mistakes.Add($"Sessions:{name}: expected a time of {range}.");
        return byDefault;
    }

    private static TimeSpan ReadIdempotencyKeyLifetime(IConfiguration section, TimeSpan longestLifetime, List<string> mistakes)
    {
        var least = longestLifetime > MinIdempotencyKeyLifetime ? longestLifetime : MinIdempotencyKeyLifetime;
        if (section[nameof(IdempotencyKeyLifetime)] is not { Length: > 0 } text)
            return least;
        if (TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var time) && time >= least && time <= MaxIdempotencyKeyLifetime)
            return time;

        mistakes.Add(
            $"Sessions:{nameof(IdempotencyKeyLifetime)}: expected a time of 30 to 3650 days, as in 30.00:00:00, and no less than a session or participant lives.");
        return least;
    }

    internal static int ReadNumber(IConfigurationSection section, string name, int byDefault, int least, int most, List<string> mistakes)
    {
        if (section[name] is not { Length: > 0 } text)
            return byDefault;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most)
            return number;

        mistakes.Add($"{section.Path}:{name}: expected a number from {least} to {most}.");
        return byDefault;
    }
}
