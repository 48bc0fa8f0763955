using Sessions.Media;
using Sessions.Media.Dtls;
using Sessions.Media.Ice;
using Sessions.Media.Negotiation;
using Sessions.Media.Rtp;
using Sessions.Media.Srtp;
using Sessions.Media.Stun;

namespace Sessions.Testing.Media;

/// <summary>
/// A device's end of one peer connection, opposite <see cref="Peer"/>: ICE in the controlling role, DTLS and SRTP. It has no sockets and
/// no clock. Not safe for several threads.
/// </summary>
/// <param name="isDtlsClient">Whether this end begins the handshake: it does when it publishes, and does not when it subscribes.</param>
/// <param name="certificate">The device's certificate.</param>
/// <param name="random">The source of transaction IDs and jitter.</param>
/// <param name="changed">Called from another thread when <see cref="Advance"/> has something to do.</param>
public sealed class DeviceConnection(bool isDtlsClient, DtlsCertificate certificate, Random random, Action? changed = null) : IDisposable
{
    private IceClient? _ice;
    private Flow? _former;
    private RemoteTransport? _remote;
    private DtlsAssociation? _dtls;
    private SrtpSender? _sender;
    private SrtpReceiver? _receiver;

    /// <summary>The credentials for this end's next description.</summary>
    public IceCredentials Local { get; private set; } = IceCredentials.Create();

    /// <summary>This end's part in the handshake, for an answer.</summary>
    public bool IsDtlsClient => isDtlsClient;

    /// <summary>The certificate that descriptions have the fingerprint of.</summary>
    public DtlsCertificate Certificate => certificate;

    /// <summary>Where packets go; after a restart of ICE the former way, until there is a new one.</summary>
    public Flow? Selected => _ice?.Selected ?? _former;

    /// <summary>Whether media can flow: there are a way and keys.</summary>
    public bool IsConnected => Selected is not null && EnsureKeys();

    /// <summary>When <see cref="Advance"/> is to be called next; null for when something has come.</summary>
    public TimeSpan? Deadline => _ice?.Deadline is { } check && !(_dtls?.Deadline < check) ? check : _dtls?.Deadline;

    /// <summary>Whether the gateway has not been heard of for 30 s.</summary>
    public bool HasFailed(TimeSpan now) => _ice?.HasFailed(now) == true;

    /// <summary>Takes other credentials for the next description (RFC 8445, section 2.4).</summary>
    public void RestartIce() => Local = IceCredentials.Create();

    /// <summary>
    /// Takes what the gateway's description says of its end. Other credentials restart ICE, and another certificate is another
    /// connection, which begins with a handshake.
    /// </summary>
    /// <returns>Whether <see cref="AddFlow"/> is to be called with every way to the gateway, because the checks begin anew.</returns>
    public bool SetRemote(RemoteTransport remote, TimeSpan now)
    {
        var isSameIce = _remote?.UsernameFragment == remote.UsernameFragment && _remote.Password == remote.Password;
        if (_remote is null || !_remote.Fingerprints.SequenceEqual(remote.Fingerprints))
        {
            Forget();
            _dtls = new(isDtlsClient, certificate, remote, now, changed);
        }

        _remote = remote;
        if (isSameIce)
            return false;

        // The gateway has restarted ICE by its own will: this end's credentials are to be others, too (RFC 8445, section 2.4).
        if (_ice?.Local == Local)
            RestartIce();
        _former = Selected;
        _ice = new(Local, new(remote.UsernameFragment, remote.Password), random);
        return true;
    }

    /// <summary>Adds a way to the gateway.</summary>
    /// <param name="flow">The flow to one of its candidates.</param>
    /// <param name="priority">The candidate's priority.</param>
    public void AddFlow(Flow flow, uint priority) => _ice!.AddFlow(flow, priority);

    /// <summary>Takes a datagram, which is decrypted in place.</summary>
    /// <returns>The length of the RTP or RTCP packet that it is now, and which of both; 0 for everything else.</returns>
    public (PacketKind Kind, int Length) Receive(Span<byte> datagram, Flow flow, TimeSpan now, Outbox outbox)
    {
        var kind = PacketKind.Of(datagram);
        var length = 0;
        switch (kind)
        {
            case PacketKind.Stun when StunMessage.TryParse(datagram, out var message):
                _ice?.Receive(message, flow, now);
                Advance(now, outbox);
                break;
            case PacketKind.Dtls:
                _dtls?.Receive(datagram, now);
                SendHandshake(outbox);
                break;
            case PacketKind.Rtp when EnsureKeys() && _receiver!.TryUnprotectRtp(datagram, out length):
            case PacketKind.Rtcp when EnsureKeys() && _receiver!.TryUnprotectRtcp(datagram, out length):
                return (kind, length);
        }

        return (kind, 0);
    }

    /// <summary>Sends what is due.</summary>
    public void Advance(TimeSpan now, Outbox outbox)
    {
        _ice?.Advance(now, outbox);
        _dtls?.Advance(now);
        SendHandshake(outbox);
    }

    /// <summary>Sends an RTP packet; false when the connection is not ready.</summary>
    public bool SendRtp(ReadOnlySpan<byte> packet, Outbox outbox)
        => IsConnected && Commit(_sender!.ProtectRtp(packet, outbox.Reserve(packet.Length + SrtpSender.MaxOverhead)), outbox);

    /// <summary>Sends an RTCP packet; false when the connection is not ready.</summary>
    public bool SendRtcp(ReadOnlySpan<byte> packet, Outbox outbox)
        => IsConnected && Commit(_sender!.ProtectRtcp(packet, outbox.Reserve(packet.Length + SrtpSender.MaxOverhead)), outbox);

    /// <summary>Waits until the handshake has done all that it can with what it has: for tests in virtual time.</summary>
    public void WaitForHandshake() => _dtls?.WaitUntilIdle();

    /// <inheritdoc/>
    public void Dispose() => Forget();

    private bool Commit(int length, Outbox outbox)
    {
        if (length > 0)
            outbox.Commit(Selected!, length);
        return length > 0;
    }

    private void SendHandshake(Outbox outbox)
    {
        while (Selected is { } flow && _dtls?.TryTake(out var datagram) == true)
            outbox.Add(flow, datagram);
    }

    private bool EnsureKeys()
    {
        if (_receiver is null && _dtls is { State: DtlsState.Connected, Keys: { } keys })
            (_sender, _receiver) = (new(keys.Sending), new(keys.Receiving));
        return _receiver is not null;
    }

    private void Forget()
    {
        _dtls?.Dispose();
        _sender?.Dispose();
        _receiver?.Dispose();
        (_dtls, _sender, _receiver) = (null, null, null);
    }
}
