using System.Net;
using Microsoft.Extensions.Configuration;

namespace Sessions.Webhooks;

/// <summary>Which receivers webhooks may have: the settings whose names begin with <c>Sessions:Webhooks:</c>.</summary>
/// <param name="AllowHttp">Whether <c>http</c> may be used, and not <c>https</c> alone.</param>
/// <param name="AllowLoopback">Whether a receiver may be on this machine.</param>
/// <param name="AllowPrivate">Whether a receiver may be in a private network.</param>
public sealed record WebhookOptions(bool AllowHttp, bool AllowLoopback, bool AllowPrivate)
{
    private const string AllowPrivateAddresses = nameof(AllowPrivateAddresses);
    private const string LoopbackOnly = "loopback";

    /// <summary>Receivers on the internet, with <c>https</c>.</summary>
    public static WebhookOptions Strict { get; } = new(AllowHttp: false, AllowLoopback: false, AllowPrivate: false);

    /// <summary>Also receivers on this machine, with <c>http</c>.</summary>
    public static WebhookOptions Local { get; } = new(AllowHttp: true, AllowLoopback: true, AllowPrivate: false);

    /// <summary>Whether a connection may go to an address.</summary>
    public bool Allows(IPAddress address) => Addresses.KindOf(address) switch
    {
        AddressKind.Public => true,
        AddressKind.Private => AllowPrivate,
        AddressKind.Loopback => AllowLoopback,
        _ => false,
    };

    /// <summary>Reads and checks these settings alone.</summary>
    /// <param name="configuration">All settings.</param>
    /// <param name="byDefault">What is used for those that are not set.</param>
    /// <exception cref="InvalidConfigurationException">A setting is wrong.</exception>
    public static WebhookOptions Read(IConfiguration configuration, WebhookOptions byDefault)
    {
        List<string> mistakes = [];
        var options = Read(configuration.GetSection("Sessions"), byDefault, mistakes);
        return mistakes.Count == 0 ? options : throw new InvalidConfigurationException(mistakes);
    }

    internal static WebhookOptions Read(IConfigurationSection section, WebhookOptions byDefault, List<string> mistakes)
    {
        var webhooks = section.GetSection("Webhooks");
        var options = byDefault;
        if (webhooks[nameof(AllowHttp)] is { Length: > 0 } http)
        {
            if (bool.TryParse(http, out var allowed))
                options = options with { AllowHttp = allowed };
            else
                mistakes.Add($"{webhooks.Path}:{nameof(AllowHttp)}: expected true or false.");
        }

        if (webhooks[AllowPrivateAddresses] is { Length: > 0 } addresses)
        {
            if (bool.TryParse(addresses, out var allowed))
                options = options with { AllowPrivate = allowed, AllowLoopback = allowed };
            else if (addresses.Equals(LoopbackOnly, StringComparison.OrdinalIgnoreCase))
                options = options with { AllowPrivate = false, AllowLoopback = true };
            else
                mistakes.Add($"{webhooks.Path}:{AllowPrivateAddresses}: expected true, false or {LoopbackOnly}.");
        }

        return options;
    }
}
