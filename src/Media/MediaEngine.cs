using System.Collections.Concurrent;
using System.Text;
using Sessions.Media.Dtls;
using Sessions.Media.Ice;
using Sessions.Media.Rtp;
using Sessions.Media.Stun;

namespace Sessions.Media;

/// <summary>
/// All peers of one process, and which of them a datagram is for. It has no sockets and no clock: who owns it hands over every
/// datagram, sends what the outbox then contains, and calls <see cref="Advance(TimeSpan, Outbox)"/> many times a second. Safe for several threads, each
/// with an outbox of its own.
/// </summary>
/// <param name="time">The time since any origin, which never goes back.</param>
/// <param name="candidates">The addresses that peers are told, as candidates (RFC 8839, section 5.1).</param>
/// <param name="wake">Called from any thread when a peer has something to send between two calls: see <see cref="Advance(Peer, TimeSpan, Outbox)"/>.</param>
public sealed class MediaEngine(Func<TimeSpan> time, Func<IReadOnlyList<string>> candidates, Action<Peer>? wake = null)
{
    private const int MaxFragment = 256;

    private readonly ConcurrentDictionary<string, Peer> _peers = new(StringComparer.Ordinal);

    // Not before there is a peer: without calls a start should be fast.
    private readonly Lazy<DtlsCertificate> _certificate = new(DtlsCertificate.Create);

    internal DtlsCertificate Certificate => _certificate.Value;

    internal IReadOnlyList<string> Candidates => candidates();

    internal TimeSpan Now => time();

    /// <summary>How many peers there are; one whose ICE restarts counts twice.</summary>
    public int PeerCount => _peers.Count;

    /// <summary>A peer whose device publishes.</summary>
    public PublishingPeer CreatePublishingPeer() => new(this);

    /// <summary>A peer whose device subscribes.</summary>
    public SubscribingPeer CreateSubscribingPeer() => new(this);

    /// <summary>
    /// Whether a datagram of an unknown address may begin a flow: a Binding request with the name of one of the peers. It is
    /// authenticated only by <see cref="Receive"/>.
    /// </summary>
    public bool IsForPeer(ReadOnlySpan<byte> datagram)
        => PacketKind.Of(datagram) == PacketKind.Stun && StunMessage.TryParse(datagram, out var message) && FindPeer(message) is not null;

    /// <summary>Takes a datagram, which is overwritten. What is for nobody is dropped.</summary>
    public void Receive(Span<byte> datagram, Flow flow, TimeSpan now, Outbox outbox)
    {
        if (PacketKind.Of(datagram) != PacketKind.Stun)
            flow.Owner?.Receive(datagram, now, outbox);
        else if (StunMessage.TryParse(datagram, out var message) && FindPeer(message) is { } peer)
            peer.ReceiveCheck(message, flow, now, outbox);
    }

    /// <summary>Does what is due at every peer.</summary>
    public void Advance(TimeSpan now, Outbox outbox)
    {
        foreach (var (_, peer) in _peers)
        {
            if (peer.Deadline <= now)
                peer.Advance(now, outbox);
        }
    }

    /// <summary>Does what is due at a peer that asked for it.</summary>
    public static void Advance(Peer peer, TimeSpan now, Outbox outbox) => peer.Advance(now, outbox);

    internal void Add(IceCredentials local, Peer peer) => _peers[local.UsernameFragment] = peer;

    internal void Remove(IceCredentials local) => _peers.TryRemove(local.UsernameFragment, out _);

    internal void Wake(Peer peer) => wake?.Invoke(peer);

    /// <summary>The receiver's part of a user name, which comes first (RFC 8445, section 7.2.2); empty when there is none.</summary>
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
