using System.Net;
using System.Net.NetworkInformation;

namespace Sessions.Gateway;

/// <summary>
/// The configuration of the media part: the settings whose names begin with <c>Gateway:</c> (in the environment <c>Gateway__</c>).
/// </summary>
public sealed record GatewayOptions
{
    /// <summary>Where devices reach the media port: IPv4 and IPv6 addresses, which every SDP has as candidates.</summary>
    public IReadOnlyList<IPAddress> PublicAddresses { get; private init; } = [];

    /// <summary>The port of all media, over UDP and over TCP; 0 for any that is free.</summary>
    public int MediaPort { get; private init; }

    /// <summary>
    /// What this gateway is called, in each of its runs, and no other over the same tables: by it, a run finds the devices of the one
    /// before.
    /// </summary>
    public string Name { get; private init; } = "";

    /// <summary>How much devices may take.</summary>
    public Limits Limits { get; private init; } = new();

    private const int DefaultMediaPort = 7072;
    private const int MaxDevices = 100_000;
    private const int MaxNameLength = 64;

    /// <summary>Reads and checks the settings.</summary>
    /// <exception cref="InvalidConfigurationException">A setting is wrong.</exception>
    public static GatewayOptions Read(IConfiguration configuration)
    {
        List<string> mistakes = [];
        var section = configuration.GetSection("Gateway");
        var limits = new Limits();
        var options = new GatewayOptions
        {
            PublicAddresses = ReadPublicAddresses(section, mistakes),
            MediaPort = SessionsOptions.ReadNumber(section, nameof(MediaPort), DefaultMediaPort, 0, IPEndPoint.MaxPort, mistakes),
            Name = ReadName(section, mistakes),
            Limits = limits with
            {
                DevicesPerParticipant = SessionsOptions.ReadNumber(
                    section, nameof(limits.DevicesPerParticipant), limits.DevicesPerParticipant, 1, MaxDevices, mistakes),
                DevicesPerAccount = SessionsOptions.ReadNumber(section, nameof(limits.DevicesPerAccount), limits.DevicesPerAccount, 1, MaxDevices, mistakes),
                HandshakesPerSecond = SessionsOptions.ReadNumber(
                    section, nameof(limits.HandshakesPerSecond), limits.HandshakesPerSecond, 1, MaxDevices, mistakes),
                FailedTokensPerSecond = SessionsOptions.ReadNumber(
                    section, nameof(limits.FailedTokensPerSecond), limits.FailedTokensPerSecond, 1, MaxDevices, mistakes),
            },
        };

        return mistakes.Count == 0 ? options : throw new InvalidConfigurationException(mistakes);
    }

    private static string ReadName(IConfigurationSection section, List<string> mistakes)
    {
        var name = section[nameof(Name)] is { Length: > 0 } text ? text : Environment.MachineName;
        if (name.Length > MaxNameLength || !name.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_' or '.'))
            mistakes.Add($"Gateway:{nameof(Name)}: expected 1 to {MaxNameLength} letters, digits, '-', '_' and '.'.");
        return name;
    }

    private static IPAddress[] ReadPublicAddresses(IConfigurationSection section, List<string> mistakes)
    {
        if (section[nameof(PublicAddresses)] is not { Length: > 0 } text)
            return OwnAddresses();

        List<IPAddress> addresses = [];
        foreach (var entry in text.Split(',', StringSplitOptions.TrimEntries))
        {
            // IPAddress also reads "1" and "1.2" as addresses.
            var isComplete = entry.Contains(':', StringComparison.Ordinal) || entry.Count(character => character == '.') == 3;
            if (isComplete && IPAddress.TryParse(entry, out var address) && !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any))
                addresses.Add(address);
        }

        if (addresses.Count != text.Split(',').Length)
        {
            mistakes.Add(
                $"Gateway:{nameof(PublicAddresses)}: expected IPv4 and IPv6 addresses with commas between them, as in 203.0.113.7,2001:db8::7.");
        }

        return [.. addresses.Distinct()];
    }

    /// <summary>The addresses of this machine's interfaces. Browsers use loopback addresses only when they are told to.</summary>
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
