namespace Sessions.Tests.Gateway;

/// <summary>Session descriptions in the form of browsers, with the parts that the protocol needs.</summary>
internal static class TestSdp
{
    private static readonly string[] Transport =
    [
        "c=IN IP4 0.0.0.0",
        "a=ice-ufrag:Zm9v",
        "a=ice-pwd:0123456789abcdefghijklmn",
        "a=ice-options:trickle",
        $"a=fingerprint:sha-256 {string.Join(':', Enumerable.Range(1, 32).Select(number => $"{number:X2}"))}",
    ];

    private static readonly string[] Kept = ["a=group:", "a=mid:", "a=rtpmap:", "a=fmtp:", "a=rtcp-fb:"];

    /// <summary>An offer of data channels, and of streams with audio and video.</summary>
    public static string Offer(IEnumerable<string> streamIds)
    {
        var ids = streamIds.ToArray();
        List<string> lines =
        [
            "v=0", "o=- 4611731400430051336 2 IN IP4 127.0.0.1", "s=-", "t=0 0",
            $"a=group:BUNDLE {string.Join(' ', Enumerable.Range(0, 1 + (2 * ids.Length)))}", "a=msid-semantic: WMS",
            "m=application 9 UDP/DTLS/SCTP webrtc-datachannel", .. Transport, "a=setup:actpass", "a=mid:0", "a=sctp-port:5000",
        ];
        foreach (var (index, id) in ids.Index())
        {
            lines.AddRange(
            [
                "m=audio 9 UDP/TLS/RTP/SAVPF 111", .. Transport, "a=setup:actpass", $"a=mid:{1 + (2 * index)}", "a=sendonly", $"a=msid:{id} {id}-audio",
                "a=rtcp-mux", "a=rtpmap:111 opus/48000/2", "a=fmtp:111 minptime=10;useinbandfec=1", $"a=ssrc:{1000 + index} cname:{id}",
                "m=video 9 UDP/TLS/RTP/SAVPF 96", .. Transport, "a=setup:actpass", $"a=mid:{2 + (2 * index)}", "a=sendonly", $"a=msid:{id} {id}-video",
                "a=rtcp-mux", "a=rtpmap:96 VP8/90000", "a=rtcp-fb:96 nack", "a=rtcp-fb:96 nack pli", $"a=ssrc:{2000 + index} cname:{id}",
            ]);
        }

        return Join(lines);
    }

    /// <summary>An answer that accepts the whole offer.</summary>
    public static string Answer(string offer)
    {
        List<string> lines = ["v=0", "o=- 4962303333179871722 2 IN IP4 127.0.0.1", "s=-", "t=0 0"];
        foreach (var line in offer.Split('\n', StringSplitOptions.TrimEntries))
        {
            if (line.StartsWith("m=", StringComparison.Ordinal))
                lines.AddRange([line, .. Transport, "a=setup:passive"]);
            else if (line == "a=sendonly")
                lines.Add("a=recvonly");
            else if (line is "a=inactive" or "a=rtcp-mux" || Kept.Any(start => line.StartsWith(start, StringComparison.Ordinal)))
                lines.Add(line);
        }

        return Join(lines);
    }

    private static string Join(IEnumerable<string> lines) => string.Concat(lines.Select(line => $"{line}\r\n"));
}
