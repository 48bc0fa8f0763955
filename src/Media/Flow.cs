using System.Net;

namespace Sessions.Media;

/// <summary>
/// A path to a peer, which is one remote address over UDP or one TCP connection. The owner of the sockets creates one instance for each and
/// passes it with every datagram from there.
/// </summary>
/// <param name="remote">The peer's address.</param>
public abstract class Flow(IPEndPoint remote)
{
    /// <summary>The peer's address.</summary>
    public IPEndPoint Remote => remote;

    /// <summary>Whether this is a TCP connection (RFC 6544).</summary>
    public virtual bool IsTcp => false;

    /// <summary>Whether datagrams are queued because the peer receives more slowly than they arrive. Only over TCP.</summary>
    public virtual bool IsCongested => false;

    /// <summary>
    /// The peer that has owned this flow since it passed an authenticated check. Null before that, and after the peer was disposed.
    /// </summary>
    public Peer? Owner
    {
        get => field is { IsDisposed: true } ? null : field;
        internal set;
    }

    /// <summary>The time of the last authenticated check over this flow.</summary>
    public TimeSpan LastCheck { get; internal set; }
}
