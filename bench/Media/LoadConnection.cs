using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Sessions.Bench;
using Sessions.Media;
using Sessions.Media.Dtls;
using Sessions.Media.Ice;
using Sessions.Media.Negotiation;
using Sessions.Media.Rtp;
using Sessions.Media.Sdp;
using Sessions.Media.Stun;
using Sessions.Testing.Media;

namespace Sessions.MediaBench;

/// <summary>
/// A device's connection over its own UDP socket. It counts all packets, but decrypts only one of <see cref="Sampling"/> to read its
/// latency, so that the load uses little of the machine. Without a certificate, for the reflector, there is no encryption.
/// </summary>
internal sealed partial class LoadConnection : IDisposable
{
    /// <summary>One packet of this number is decrypted.</summary>
    public const int Sampling = 8;

    private const int BufferBytes = 4 * 1024 * 1024;
    private const int TagLength = 16;
    private const int MaxStreams = 31;

    private readonly Lock _gate = new();
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp)
    {
        ReceiveBufferSize = BufferBytes,
        SendBufferSize = BufferBytes,
        Blocking = false,
    };

    private readonly DeviceConnection? _device;
    private readonly Func<TimeSpan> _time;
    private readonly Outbox _outbox = new();
    private readonly Dictionary<uint, uint> _highest = [];
    private readonly List<long> _latencies = new(1 << 16);
    private readonly byte[] _room = new byte[2048];
    private readonly byte[] _datagram = new byte[2048];
    private Flow? _flow;
    private long _packets;

    public LoadConnection(bool isDtlsClient, DtlsCertificate? certificate, Func<TimeSpan> time)
    {
        _time = time;
        _device = certificate is null ? null : new(isDtlsClient, certificate, new Random());
        _socket.Bind(new IPEndPoint(Subject.Address, 0));
    }

    /// <summary>Called with the SSRC of each key frame request that arrives.</summary>
    public Action<uint>? KeyFrameRequested { get; set; }

    public IPEndPoint Address => (IPEndPoint)_socket.LocalEndPoint!;

    public Socket Socket => _socket;

    public DeviceConnection Device => _device!;

    /// <summary>RTP packets received.</summary>
    public long Packets => Volatile.Read(ref _packets);

    /// <summary>Whether latencies are recorded.</summary>
    public bool IsRecording { get; set; }

    public bool IsConnected
    {
        get
        {
            lock (_gate)
                return _device?.IsConnected != false;
        }
    }

    /// <summary>Connects to the address in a description's first UDP candidate.</summary>
    public void Connect(SessionDescription remote)
    {
        var candidate = remote.Sections.SelectMany(section => section.Candidates)
            .Select(text => Candidate.TryParse(text, out var candidate) ? candidate : null)
            .First(candidate => candidate?.Transport == CandidateTransport.Udp && candidate.EndPoint is { AddressFamily: AddressFamily.InterNetwork })!;
        lock (_gate)
        {
            Device.SetRemote(Bundle.Of(remote).Remote!, _time());
            Start(candidate.EndPoint!);
            Device.AddFlow(_flow!, candidate.Priority);
        }
    }

    /// <summary>Sets the address to which packets are sent.</summary>
    public void Start(IPEndPoint remote)
    {
        if (!remote.Address.Equals(Subject.Address))
            throw new InvalidDataException($"{remote} is not on this machine.");

        _flow = new SocketFlow(remote);
        _socket.Connect(remote);
    }

    /// <summary>Sends the packet of a track.</summary>
    public void Send(LoadTrack track, int indexInInterval)
    {
        lock (_gate)
        {
            var length = track.Write(_room, indexInInterval);
            if (_device is null)
                Send(_room.AsSpan(0, length + TagLength));
            else
                _device.SendRtp(_room.AsSpan(0, length), _outbox);
            Flush();
        }
    }

    public void SendReport(LoadTrack track)
    {
        lock (_gate)
        {
            _device?.SendRtcp(_room.AsSpan(0, track.WriteReport(_room, _time())), _outbox);
            Flush();
        }
    }

    /// <summary>Sends a report that every packet arrived (RFC 3550, section 6.4.2).</summary>
    public void ReportReception()
    {
        lock (_gate)
        {
            Span<ReportBlock> blocks = [.. _highest.Take(MaxStreams).Select(stream => new ReportBlock(stream.Key, 0, 0, stream.Value, 0, 0, 0))];
            var writer = new RtcpWriter(_room);
            writer.AddReceiverReport(1, blocks);
            _device?.SendRtcp(_room.AsSpan(0, writer.Length), _outbox);
            Flush();
        }
    }

    public void Advance()
    {
        lock (_gate)
        {
            _device?.Advance(_time(), _outbox);
            Flush();
        }
    }

    /// <summary>Returns and clears the latencies recorded so far, in ticks of <see cref="Stopwatch"/>.</summary>
    public long[] TakeLatencies()
    {
        lock (_gate)
        {
            long[] latencies = [.. _latencies];
            _latencies.Clear();
            return latencies;
        }
    }

    public void Dispose()
    {
        _socket.Dispose();
        lock (_gate)
            _device?.Dispose();
    }

    /// <summary>Receives all datagrams that have arrived.</summary>
    public void Receive()
    {
        while (true)
        {
            var length = _socket.Receive(_datagram, SocketFlags.None, out var error);
            if (error == SocketError.Success)
                Take(_datagram.AsSpan(0, length));
            else if (error != SocketError.ConnectionRefused)
                return;
        }
    }

    private void Take(Span<byte> datagram)
    {
        var kind = PacketKind.Of(datagram);
        if (_flow is not { } flow || (kind == PacketKind.Rtp && ++_packets % Sampling != 0))
            return;

        lock (_gate)
        {
            if (kind == PacketKind.Stun)
                AnswerCheck(datagram, flow);
            var length = datagram.Length - TagLength;
            if (_device is not null)
                (kind, length) = _device.Receive(datagram, flow, _time(), _outbox);
            Flush();
            if (kind == PacketKind.Rtp && length > 0 && RtpPacket.TryParse(datagram[..length], out var packet))
                Record(packet);
            else if (kind == PacketKind.Rtcp && length > 0)
                ReadFeedback(datagram[..length]);
        }
    }

    /// <summary>
    /// Responds to a connectivity check (RFC 8445, section 7.3). Janus renews its consent with checks, although it is a lite agent.
    /// </summary>
    private void AnswerCheck(ReadOnlySpan<byte> datagram, Flow flow)
    {
        if (!StunMessage.TryParse(datagram, out var message) || message is not { IsBinding: true, Class: StunClass.Request })
            return;

        var writer = new StunWriter(_outbox.Reserve(StunMessage.MaxLength), StunClass.SuccessResponse, message.TransactionId);
        writer.AddMappedAddress(flow.Remote);
        writer.AddIntegrity(Encoding.ASCII.GetBytes(Device.Local.Password));
        writer.AddFingerprint();
        _outbox.Commit(flow, writer.Length);
    }

    private void Record(in RtpPacket packet)
    {
        _highest[packet.Ssrc] = packet.SequenceNumber;
        if (IsRecording)
            _latencies.Add((ReadArrival() - LoadTrack.ReadStamp(packet.Payload)) * (Stopwatch.Frequency / TimeSpan.TicksPerSecond));
    }

    private void ReadFeedback(ReadOnlySpan<byte> compound)
    {
        var reader = new RtcpReader(compound);
        while (reader.TryNext(out var packet))
        {
            if (packet.IsPli)
                KeyFrameRequested?.Invoke(packet.MediaSsrc);
            foreach (var request in packet.Fir)
                KeyFrameRequested?.Invoke(request.Ssrc);
        }
    }

    // A datagram that cannot be sent counts as lost by the network.
    private void Send(ReadOnlySpan<byte> datagram) => _socket.Send(datagram, SocketFlags.None, out _);

    private void Flush()
    {
        for (var index = 0; index < _outbox.Count; index++)
            Send(_outbox[index].Datagram.Span);
        _outbox.Clear();
    }

    /// <summary>Returns when the system received the last datagram (socket(7), SIOCGSTAMPNS), in ticks of <see cref="DateTime"/>.</summary>
    private long ReadArrival()
    {
        const nuint GetStamp = 0x8907;

        return Control(_socket.SafeHandle, GetStamp, out var time) == 0
            ? DateTime.UnixEpoch.Ticks + (time.Seconds * TimeSpan.TicksPerSecond) + (time.Nanoseconds / TimeSpan.NanosecondsPerTick)
            : throw new BenchmarkException("The system does not say when a datagram arrived.");
    }

    [LibraryImport("libc", EntryPoint = "ioctl")]
    private static partial int Control(SafeHandle socket, nuint request, out Timespec time);

    /// <summary>A struct timespec of 64-bit Linux.</summary>
    private struct Timespec
    {
        public long Seconds;
        public long Nanoseconds;
    }

    private sealed class SocketFlow(IPEndPoint remote) : Flow(remote);
}
