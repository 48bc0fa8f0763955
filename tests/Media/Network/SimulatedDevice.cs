using Sessions.Media;
using Sessions.Media.Dtls;
using Sessions.Media.Ice;
using Sessions.Media.Negotiation;
using Sessions.Media.Rtp;
using Sessions.Media.Sdp;
using Sessions.Media.Srtp;
using Sessions.Media.Stun;

namespace Sessions.Tests.Media.Network;

/// <summary>A device's end of one peer connection, with a full ICE agent, DTLS and SRTP.</summary>
internal abstract class SimulatedDevice(SimulatedCall call, Peer peer) : IDisposable
{
    private readonly Outbox _outbox = new();
    private readonly List<DeviceFlow> _flows = [];
    private DtlsAssociation? _dtls;
    private SrtpSender? _sender;
    private SrtpReceiver? _receiver;
    private RemoteTransport? _server;
    private IceClient? _ice;
    private Flow? _formerFlow;
    private uint _priority;

    public Peer Peer => peer;

    public IceCredentials Credentials { get; private set; } = IceCredentials.Create();

    public DtlsCertificate Certificate { get; private set; } = DtlsCertificate.Create();

    /// <summary>
    /// The certificate whose fingerprint is in the descriptions. It belongs to another device if somebody else negotiates for this device.
    /// </summary>
    public DtlsCertificate? DescribedCertificate { get; set; }

    /// <summary>The server's ICE credentials, from its description.</summary>
    public IceCredentials? Server { get; private set; }

    public DeviceFlow Flow => _flows[^1];

    /// <summary>Whether the device can send and receive media.</summary>
    public bool IsConnected => _sender is not null && Selected is not null;

    /// <summary>The datagrams that the device has sent while the call was recording.</summary>
    public List<byte[]> Recorded { get; } = [];

    /// <summary>The number of datagrams received that are neither authentic nor part of a handshake.</summary>
    public int Refused { get; private set; }

    public SrtpSender Sender => _sender!;

    public SrtpReceiver Receiver => _receiver!;

    protected SimulatedCall Call => call;

    /// <summary>The flow for sending. During an ICE restart it is still the previous flow.</summary>
    private Flow? Selected => _ice?.Selected ?? _formerFlow;

    /// <summary>Gives the device another address. Datagrams to the previous address are lost.</summary>
    public void AddFlow()
    {
        foreach (var former in _flows)
            former.Up.IsBlocked = former.Down.IsBlocked = true;
        var flow = call.CreateFlow(this);
        _flows.Add(flow);
        _ice?.AddFlow(flow, ++_priority);
    }

    public void RestartIce()
    {
        Credentials = IceCredentials.Create();
        (_formerFlow, _ice) = (Selected, null);
    }

    /// <summary>Replaces the device's certificate and credentials, from the next description on.</summary>
    public void Renew()
    {
        RestartIce();
        _formerFlow = null;
        Certificate = DtlsCertificate.Create();
        EndHandshake();
    }

    public void Advance()
    {
        _ice?.Advance(call.Now, _outbox);
        if (_dtls is not null)
        {
            _dtls.Advance(call.Now);
            Shake();
        }

        if (IsConnected)
            SendMedia();
        Send();
    }

    public void Receive(byte[] datagram, DeviceFlow flow, long sentAt)
    {
        switch (PacketKind.Of(datagram))
        {
            case PacketKind.Stun:
                if (StunMessage.TryParse(datagram, out var message))
                    _ice?.Receive(message, flow, call.Now);
                break;
            case PacketKind.Dtls:
                _dtls?.Receive(datagram, call.Now);
                Shake();
                break;
            case PacketKind.Rtp when _receiver is not null:
                if (_receiver.TryUnprotectRtp(datagram, out var length))
                    ReceiveRtp(datagram.AsSpan(0, length), sentAt);
                else
                    Refused++;
                break;
            case PacketKind.Rtcp when _receiver is not null:
                if (_receiver.TryUnprotectRtcp(datagram, out length))
                    ReceiveRtcp(datagram.AsSpan(0, length));
                else
                    Refused++;
                break;
        }

        Send();
    }

    public void Dispose()
    {
        EndHandshake();
        peer.Dispose();
    }

    protected abstract void SendMedia();

    protected abstract void ReceiveRtp(ReadOnlySpan<byte> packet, long sentAt);

    protected abstract void ReceiveRtcp(ReadOnlySpan<byte> packet);

    protected void SendRtp(ReadOnlySpan<byte> packet)
        => Commit(_sender!.ProtectRtp(packet, _outbox.Reserve(packet.Length + SrtpSender.MaxOverhead)));

    protected void SendRtcp(ReadOnlySpan<byte> packet)
        => Commit(_sender!.ProtectRtcp(packet, _outbox.Reserve(packet.Length + SrtpSender.MaxOverhead)));

    /// <summary>Applies the server's description.</summary>
    protected void Connect(string description, bool isDtlsClient)
    {
        Assert.True(SessionDescription.TryParse(description, out var parsed, out var error), error);
        var section = parsed.Sections.First(section => section.UsernameFragment is not null);
        var server = RemoteTransport.Read(section, out error);
        Assert.True(server is not null, error);
        if (_ice is null || _server?.UsernameFragment != server.UsernameFragment)
        {
            _ice = new(Credentials, new(server.UsernameFragment, server.Password), new(call.Network.Random.Next()));
            _priority = 0;
            foreach (var flow in _flows)
                _ice.AddFlow(flow, ++_priority);
        }

        _server = server;
        Server = new(server.UsernameFragment, server.Password);
        _dtls ??= new(isDtlsClient, Certificate, server, call.Now);
        Shake();
    }

    private void Commit(int length)
    {
        Assert.NotEqual(0, length);
        _outbox.Commit(Selected!, length);
    }

    private void Shake()
    {
        _dtls!.WaitUntilIdle();
        while (Selected is { } flow && _dtls.TryTake(out var datagram))
            _outbox.Add(flow, datagram);
        if (_sender is null && _dtls is { State: DtlsState.Connected, Keys: { } keys })
            (_sender, _receiver) = (new(keys.Sending), new(keys.Receiving));
    }

    private void Send()
    {
        for (var i = 0; i < _outbox.Count; i++)
        {
            var (flow, datagram) = ((DeviceFlow)_outbox[i].Flow, _outbox[i].Datagram.ToArray());
            if (call.IsRecording)
                Recorded.Add(datagram);
            flow.Up.Send(datagram.Length, () => call.Receive(datagram, flow));
        }

        _outbox.Clear();
    }

    private void EndHandshake()
    {
        _dtls?.Dispose();
        _sender?.Dispose();
        _receiver?.Dispose();
        (_dtls, _sender, _receiver) = (null, null, null);
    }
}
