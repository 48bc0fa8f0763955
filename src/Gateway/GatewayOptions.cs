using System.Net;
using System.Net.NetworkInformation;

namespace Sessions.Gateway;

/// <summary>
/// The configuration of the gateway, from the settings whose names begin with <c>Gateway:</c> (in the environment <c>Gateway__</c>).
/// </summary>
public sealed record GatewayOptions
{
    /// <summary>The IPv4 and IPv6 addresses at which devices reach the media port. Every SDP contains them as candidates.</summary>
    public IReadOnlyList<IPAddress> PublicAddresses { get; private init; } = [];

    /// <summary>The port of all media, over UDP and TCP. 0 means any free port.</summary>
    public int MediaPort { get; private init; }

    /// <summary>
    /// The name of this gateway, by which a run finds the devices of the previous run. It is the same in every run, and no other gateway on
    /// the same tables may have it.
    /// </summary>
    public string Name { get; private init; } = "";

    /// <summary>The limits for devices.</summary>
    public Limits Limits { get; private init; } = new();

    private const int DefaultMediaPort = 7072;
    private const int MaxDevices = 100_000;
    private const int MaxNameLength = 64;

    /// <summary>Every setting whose name begins with <c>Gateway:</c>.</summary>
    public static IReadOnlyList<Setting> All { get; } =
    [
        new("Gateway:PublicAddresses", "The IP addresses that the gateway offers to devices, separated by commas."),
        new("Gateway:MediaPort", "The UDP and TCP port of all media."),
        new("Gateway:Name", "The name by which this gateway finds the devices of its previous run."),
        new("Gateway:DevicesPerParticipant", "The maximum number of devices of a participant."),
        new("Gateway:DevicesPerAccount", "The maximum number of devices of an account."),
        new("Gateway:HandshakesPerSecond", "The maximum number of WebSockets opened from one address in a second."),
        new("Gateway:FailedTokensPerSecond", "The maximum number of invalid tokens from one address in a second."),
    ];

    /// <summary>One line for each unknown setting of the gateway or of the API.</summary>
    public static IEnumerable<string> FindUnknownSettings(IConfiguration configuration)
        => Setting.FindUnknown(configuration, "Sessions", SessionsOptions.All).Concat(Setting.FindUnknown(configuration, "Gateway", All));

    /// <summary>Reads and checks the settings.</summary>
    /// <exception cref="InvalidConfigurationException">A setting is not valid.</exception>
    public static GatewayOptions Read(IConfiguration configuration)
    {
        var settings = new SettingsReader(configuration, "Gateway");
        var limits = new Limits();
        return settings.Checked(new GatewayOptions
        {
            PublicAddresses = ReadPublicAddresses(settings),
            MediaPort = settings.Number(nameof(MediaPort), DefaultMediaPort, 0, IPEndPoint.MaxPort),
            Name = ReadName(settings),
            Limits = limits with
            {
                DevicesPerParticipant = settings.Number(nameof(limits.DevicesPerParticipant), limits.DevicesPerParticipant, 1, MaxDevices),
                DevicesPerAccount = settings.Number(nameof(limits.DevicesPerAccount), limits.DevicesPerAccount, 1, MaxDevices),
                HandshakesPerSecond = settings.Number(nameof(limits.HandshakesPerSecond), limits.HandshakesPerSecond, 1, MaxDevices),
                FailedTokensPerSecond = settings.Number(nameof(limits.FailedTokensPerSecond), limits.FailedTokensPerSecond, 1, MaxDevices),
            },
        });
    }

    private static string ReadName(SettingsReader settings)
    {
        var name = settings.Text(nameof(Name)) ?? Environment.MachineName;
        if (name.Length > MaxNameLength || !name.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_' or '.'))
            settings.Refuse(nameof(Name), $"expected 1 to {MaxNameLength} letters, digits, '-', '_' and '.'.");
        return name;
    }

    private static IPAddress[] ReadPublicAddresses(SettingsReader settings)
    {
        if (settings.Text(nameof(PublicAddresses)) is not { } text)
            return OwnAddresses();

        List<IPAddress> addresses = [];
        foreach (var entry in text.Split(',', StringSplitOptions.TrimEntries))
        {
            // IPAddress also parses "1" and "1.2" as addresses.
            var isComplete = entry.Contains(':', StringComparison.Ordinal) || entry.Count(character => character == '.') == 3;
            if (isComplete && IPAddress.TryParse(entry, out var address) && !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any))
                addresses.Add(address);
        }

        if (addresses.Count != text.Split(',').Length)
            settings.Refuse(nameof(PublicAddresses), "expected IPv4 and IPv6 addresses separated by commas, for example 203.0.113.7,2001:db8::7.");

        return [.. addresses.Distinct()];
    }

    /// <summary>
    /// The addresses of this machine's interfaces. Loopback addresses are used only if there are no others, because browsers use them only
    /// when they are configured to.
    /// </summary>
    private static IPAddress[] OwnAddresses()
    {
        IPAddress[] addresses =
        [
            .. from card in NetworkInterface.GetAllNetworkInterfaces()
               where card.OperationalStatus == OperationalStatus.Up && card.NetworkInterfaceType != NetworkInterfaceType.Loopback
               from entry in card.GetIPProperties().UnicastAddresses
               where !entry.Address.IsIPv6LinkLocal && !IPAddress.IsLoopback(entry.Address)
               select entry.Address,
        ];
        return addresses is [] ? [IPAddress.Loopback] : addresses;
    }
}
