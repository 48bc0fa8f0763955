using Sessions.Media;

namespace Sessions.Tests.Media.Network;

/// <summary>Session descriptions of a device.</summary>
internal static class DeviceDescription
{
    private static readonly string[] Kept = ["a=group:", "a=mid:", "a=rtpmap:", "a=fmtp:", "a=rtcp-fb:"];

    public static string Offer(SimulatedDevice device, string streamId, IReadOnlyList<PublishedStream> streams)
    {
        List<string> lines = [.. Begin(), $"a=group:BUNDLE {string.Join(' ', streams.Select((_, index) => index))}"];
        foreach (var (index, stream) in streams.Index())
        {
            var isAudio = stream.Kind == MediaKind.Audio;
            lines.AddRange(
            [
                $"m={(isAudio ? "audio" : "video")} 9 UDP/TLS/RTP/SAVPF {stream.PayloadType}", .. Transport(device), "a=setup:actpass",
                $"a=mid:{index}", "a=sendonly", $"a=msid:{streamId} {streamId}-{index}", "a=rtcp-mux",
                $"a=rtpmap:{stream.PayloadType} {(isAudio ? "opus/48000/2" : "VP8/90000")}",
                .. stream.Ssrcs.Select(ssrc => $"a=ssrc:{ssrc} cname:{streamId}"),
            ]);
        }

        return Join(lines);
    }

    /// <summary>An answer that accepts the whole offer.</summary>
    public static string Answer(SimulatedDevice device, string offer)
    {
        List<string> lines = [.. Begin()];
        foreach (var line in offer.Split('\n', StringSplitOptions.TrimEntries))
        {
            if (line.StartsWith("m=", StringComparison.Ordinal))
                lines.AddRange([line, .. Transport(device), "a=setup:passive"]);
            else if (line == "a=sendonly")
                lines.Add("a=recvonly");
            else if (line is "a=inactive" or "a=rtcp-mux" || Kept.Any(start => line.StartsWith(start, StringComparison.Ordinal)))
                lines.Add(line);
        }

        return Join(lines);
    }

    private static IEnumerable<string> Begin() => ["v=0", "o=- 4962303333179871722 2 IN IP4 127.0.0.1", "s=-", "t=0 0"];

    private static IEnumerable<string> Transport(SimulatedDevice device) =>
    [
        "c=IN IP4 0.0.0.0",
        $"a=ice-ufrag:{device.Credentials.UsernameFragment}",
        $"a=ice-pwd:{device.Credentials.Password}",
        $"a=fingerprint:{(device.DescribedCertificate ?? device.Certificate).Fingerprint}",
    ];

    private static string Join(IEnumerable<string> lines) => string.Concat(lines.Select(line => $"{line}\r\n"));
}
