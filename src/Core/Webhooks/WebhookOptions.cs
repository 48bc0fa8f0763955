using System.Net;
using Microsoft.Extensions.Configuration;

namespace Sessions.Webhooks;

/// <summary>The rules for the receivers of webhooks: the settings whose names begin with <c>Sessions:Webhooks:</c>.</summary>
/// <param name="AllowHttp">Whether <c>http</c> is allowed, in addition to <c>https</c>.</param>
/// <param name="AllowLoopback">Whether a receiver may be on this machine.</param>
/// <param name="AllowPrivate">Whether a receiver may be in a private network.</param>
public sealed record WebhookOptions(bool AllowHttp, bool AllowLoopback, bool AllowPrivate)
{
    private const string AllowPrivateAddresses = nameof(AllowPrivateAddresses);
    private const string LoopbackOnly = "loopback";

    /// <summary>Allows receivers on the internet, by <c>https</c>.</summary>
    public static WebhookOptions Strict { get; } = new(AllowHttp: false, AllowLoopback: false, AllowPrivate: false);

    /// <summary>Also allows receivers on this machine, and <c>http</c>.</summary>
    public static WebhookOptions Local { get; } = new(AllowHttp: true, AllowLoopback: true, AllowPrivate: false);

    /// <summary>Whether a connection to an address is allowed.</summary>
    public bool Allows(IPAddress address) => Addresses.KindOf(address) switch
    {
        AddressKind.Public => true,
        AddressKind.Private => AllowPrivate,
        AddressKind.Loopback => AllowLoopback,
        _ => false,
    };

    /// <summary>The settings of webhooks.</summary>
    public static IReadOnlyList<Setting> All { get; } =
    [
        new(Name(nameof(AllowHttp)), "Whether webhooks may be sent by http: true or false."),
        new(Name(AllowPrivateAddresses), "Whether webhooks may be sent to private and loopback addresses: true, false or loopback."),
    ];

    /// <summary>Reads and checks only these settings.</summary>
    /// <param name="configuration">All settings.</param>
    /// <param name="byDefault">The values of settings that are not set.</param>
    /// <exception cref="InvalidConfigurationException">A setting is invalid.</exception>
    public static WebhookOptions Read(IConfiguration configuration, WebhookOptions byDefault)
    {
        var settings = new SettingsReader(configuration, "Sessions");
        return settings.Checked(Read(settings, byDefault));
    }

    internal static WebhookOptions Read(SettingsReader settings, WebhookOptions byDefault)
    {
        var options = byDefault;
        if (settings.Text($"Webhooks:{nameof(AllowHttp)}") is { } http)
        {
            if (bool.TryParse(http, out var allowed))
                options = options with { AllowHttp = allowed };
            else
                settings.Refuse($"Webhooks:{nameof(AllowHttp)}", "expected true or false.");
        }

        if (settings.Text($"Webhooks:{AllowPrivateAddresses}") is { } addresses)
        {
            if (bool.TryParse(addresses, out var allowed))
                options = options with { AllowPrivate = allowed, AllowLoopback = allowed };
            else if (addresses.Equals(LoopbackOnly, StringComparison.OrdinalIgnoreCase))
                options = options with { AllowPrivate = false, AllowLoopback = true };
            else
                settings.Refuse($"Webhooks:{AllowPrivateAddresses}", $"expected true, false or {LoopbackOnly}.");
        }

        return options;
    }

    private static string Name(string setting) => $"Sessions:Webhooks:{setting}";
}
