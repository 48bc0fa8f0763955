using System.Net;

namespace Sessions.Media;

/// <summary>
/// A way to a peer: one remote address over UDP, or one TCP connection. Whoever owns the sockets makes one for each and hands the
/// same instance over with every datagram from there.
/// </summary>
/// <param name="remote">The peer's address.</param>
public abstract class Flow(IPEndPoint remote)
{
    /// <summary>The peer's address.</summary>
    public IPEndPoint Remote => remote;

    /// <summary>Whether this is a TCP connection (RFC 6544).</summary>
    public virtual bool IsTcp => false;

    /// <summary>Whether datagrams are waiting because the peer does not take them as fast as they come: only over TCP.</summary>
    public virtual bool IsCongested => false;

    /// <summary>Whose flow this is since it passed an authenticated check; null before, and when its peer is gone.</summary>
    public Peer? Owner
    {
        get => field is { IsDisposed: true } ? null : field;
        internal set;
    }

    /// <summary>When it passed its last authenticated check.</summary>
    public TimeSpan LastCheck { get; internal set; }
}
