using System.Collections.Concurrent;
using System.Text;
using Sessions.Media.Dtls;
using Sessions.Media.Ice;
using Sessions.Media.Rtp;
using Sessions.Media.Stun;

namespace Sessions.Media;

/// <summary>
/// All peers of one process. It passes each datagram to its peer. It has no sockets and no clock. Its owner passes every datagram to it,
/// sends the contents of the outbox, and calls <see cref="Advance(TimeSpan, Outbox)"/> many times a second. Thread-safe if each thread has
/// its own outbox.
/// </summary>
/// <param name="time">The time since a fixed origin. It never goes back.</param>
/// <param name="candidates">The server's addresses that are sent to peers, as candidates (RFC 8839, section 5.1).</param>
/// <param name="wake">
/// Called from any thread when a peer has something to send between two calls of <see cref="Advance(TimeSpan, Outbox)"/>. The owner then
/// calls <see cref="Advance(Peer, TimeSpan, Outbox)"/>.
/// </param>
public sealed class MediaEngine(Func<TimeSpan> time, Func<IReadOnlyList<string>> candidates, Action<Peer>? wake = null)
{
    private const int MaxFragment = 256;

    private readonly ConcurrentDictionary<string, Peer> _peers = new(StringComparer.Ordinal);

    // Created with the first peer, so that a server without calls starts quickly.
    private readonly Lazy<DtlsCertificate> _certificate = new(DtlsCertificate.Create);

    internal DtlsCertificate Certificate => _certificate.Value;

    internal IReadOnlyList<string> Candidates => candidates();

    internal TimeSpan Now => time();

    /// <summary>The number of peers. A peer whose ICE restarts counts twice.</summary>
    public int PeerCount => _peers.Count;

    /// <summary>Creates a peer for a device that publishes.</summary>
    public PublishingPeer CreatePublishingPeer() => new(this);

    /// <summary>Creates a peer for a device that subscribes.</summary>
    public SubscribingPeer CreateSubscribingPeer() => new(this);

    /// <summary>
    /// Whether a datagram from an unknown address may begin a flow. It must be a Binding request with the user name of one of the peers.
    /// Only <see cref="Receive"/> authenticates it.
    /// </summary>
    public bool IsForPeer(ReadOnlySpan<byte> datagram)
        => PacketKind.Of(datagram) == PacketKind.Stun && StunMessage.TryParse(datagram, out var message) && FindPeer(message) is not null;

    /// <summary>Processes a datagram, which is overwritten. A datagram for no peer is dropped.</summary>
    public void Receive(Span<byte> datagram, Flow flow, TimeSpan now, Outbox outbox)
    {
        if (PacketKind.Of(datagram) != PacketKind.Stun)
            flow.Owner?.Receive(datagram, now, outbox);
        else if (StunMessage.TryParse(datagram, out var message) && FindPeer(message) is { } peer)
            peer.ReceiveCheck(message, flow, now, outbox);
    }

    /// <summary>Does all work that is due, at every peer.</summary>
    public void Advance(TimeSpan now, Outbox outbox)
    {
        foreach (var (_, peer) in _peers)
        {
            if (peer.Deadline <= now)
                peer.Advance(now, outbox);
        }
    }

    /// <summary>Does all work that is due at a peer that asked for it.</summary>
    public static void Advance(Peer peer, TimeSpan now, Outbox outbox) => peer.Advance(now, outbox);

    internal void Add(IceCredentials local, Peer peer) => _peers[local.UsernameFragment] = peer;

    internal void Remove(IceCredentials local) => _peers.TryRemove(local.UsernameFragment, out _);

    internal void Wake(Peer peer) => wake?.Invoke(peer);

    /// <summary>The receiver's part of a user name, which comes first (RFC 8445, section 7.2.2), or empty if there is none.</summary>
    internal static ReadOnlySpan<byte> LocalFragment(ReadOnlySpan<byte> username) => username[..Math.Max(0, username.IndexOf((byte)':'))];

    private Peer? FindPeer(in StunMessage message)
    {
        if (!message.TryGetUsername(out var username) || LocalFragment(username) is not { Length: > 0 and <= MaxFragment } fragment)
            return null;

        Span<char> text = stackalloc char[fragment.Length];
        Encoding.Latin1.GetChars(fragment, text);
        return _peers.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(text, out var peer) ? peer : null;
    }
}
