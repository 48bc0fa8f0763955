using Sessions.Media;
using Sessions.Media.Dtls;
using Sessions.Media.Ice;
using Sessions.Media.Negotiation;
using Sessions.Media.Rtp;
using Sessions.Media.Srtp;
using Sessions.Media.Stun;

namespace Sessions.Testing.Media;

/// <summary>
/// A device's end of one peer connection with a <see cref="Peer"/>. It has the controlling role in ICE, and uses DTLS and SRTP. It has no
/// sockets and no clock. Not thread-safe.
/// </summary>
/// <param name="isDtlsClient">Whether this end begins the DTLS handshake. A publishing device does, and a subscribing one does not.</param>
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

    /// <summary>This end's role in the DTLS handshake, for an answer.</summary>
    public bool IsDtlsClient => isDtlsClient;

    /// <summary>The certificate whose fingerprint is in the descriptions.</summary>
    public DtlsCertificate Certificate => certificate;

    /// <summary>The flow for packets. After an ICE restart this is the previous flow, until a new one is selected.</summary>
    public Flow? Selected => _ice?.Selected ?? _former;

    /// <summary>Whether media can flow. A flow must be selected, and the keys must be known.</summary>
    public bool IsConnected => Selected is not null && EnsureKeys();

    /// <summary>When <see cref="Advance"/> is due next, or null if only after a datagram has arrived.</summary>
    public TimeSpan? Deadline => _ice?.Deadline is { } check && !(_dtls?.Deadline < check) ? check : _dtls?.Deadline;

    /// <summary>Whether the gateway has not responded for 30 s.</summary>
    public bool HasFailed(TimeSpan now) => _ice?.HasFailed(now) == true;

    /// <summary>Creates new credentials for the next description (RFC 8445, section 2.4).</summary>
    public void RestartIce() => Local = IceCredentials.Create();

    /// <summary>
    /// Applies the gateway's transport from its description. New credentials restart ICE. A new certificate means a new connection, which
    /// begins with a handshake.
    /// </summary>
    /// <returns>
    /// Whether the caller has to call <see cref="AddFlow"/> for every path to the gateway, because the checks start again.
    /// </returns>
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

        // The gateway has restarted ICE itself, so this end also needs new credentials (RFC 8445, section 2.4).
        if (_ice?.Local == Local)
            RestartIce();
        _former = Selected;
        _ice = new(Local, new(remote.UsernameFragment, remote.Password), random);
        return true;
    }

    /// <summary>Adds a path to the gateway.</summary>
    /// <param name="flow">The flow to one of the gateway's candidates.</param>
    /// <param name="priority">The candidate's priority.</param>
    public void AddFlow(Flow flow, uint priority) => _ice!.AddFlow(flow, priority);

    /// <summary>Processes a datagram, which is decrypted in place.</summary>
    /// <returns>The kind of the datagram, and the length of the decrypted packet if it is RTP or RTCP, otherwise 0.</returns>
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

    /// <summary>Sends everything that is due.</summary>
    public void Advance(TimeSpan now, Outbox outbox)
    {
        _ice?.Advance(now, outbox);
        _dtls?.Advance(now);
        SendHandshake(outbox);
    }

    /// <summary>Sends an RTP packet. False if the connection is not ready.</summary>
    public bool SendRtp(ReadOnlySpan<byte> packet, Outbox outbox)
        => IsConnected && Commit(_sender!.ProtectRtp(packet, outbox.Reserve(packet.Length + SrtpSender.MaxOverhead)), outbox);

    /// <summary>Sends an RTCP packet. False if the connection is not ready.</summary>
    public bool SendRtcp(ReadOnlySpan<byte> packet, Outbox outbox)
        => IsConnected && Commit(_sender!.ProtectRtcp(packet, outbox.Reserve(packet.Length + SrtpSender.MaxOverhead)), outbox);

    /// <summary>Waits until the handshake has processed all datagrams and needs another one. For tests in virtual time.</summary>
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
