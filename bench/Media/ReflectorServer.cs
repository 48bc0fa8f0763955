using System.Net;
using System.Net.Sockets;

namespace Sessions.MediaBench;

/// <summary>
/// The floor of the comparison: a server that copies each datagram of a publisher unchanged to the addresses of its subscribers. The load
/// adds both with lines of JSON on standard input.
/// </summary>
internal static class ReflectorServer
{
    private const int BufferBytes = 4 * 1024 * 1024;

    public static async Task RunAsync()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp)
        {
            ReceiveBufferSize = BufferBytes,
            SendBufferSize = BufferBytes,
        };
        socket.Bind(new IPEndPoint(Subject.Address, 0));
        Lock gate = new();
        List<SocketAddress> publishers = [];
        Dictionary<SocketAddress, SocketAddress[]> subscribers = [];
        new Thread(Reflect) { IsBackground = true }.Start();
        await ServerControl.RunAsync(request => new(Handle(request)));

        string Handle(ServerRequest request)
        {
            var address = IPEndPoint.Parse(request.Sdp).Serialize();
            lock (gate)
            {
                if (request.Operation == ServerOperation.Publish)
                    publishers.Add(address);
                else
                {
                    foreach (var publisher in request.Publishers.Select(index => publishers[index]))
                        subscribers[publisher] = [.. subscribers.GetValueOrDefault(publisher, []), address];
                }
            }

            return socket.LocalEndPoint!.ToString()!;
        }

        void Reflect()
        {
            var datagram = new byte[2048];
            var from = new SocketAddress(AddressFamily.InterNetwork);
            while (true)
            {
                var length = socket.ReceiveFrom(datagram, SocketFlags.None, from);
                SocketAddress[]? all;
                lock (gate)
                    subscribers.TryGetValue(from, out all);
                foreach (var address in all ?? [])
                    socket.SendTo(datagram.AsSpan(0, length), SocketFlags.None, address);
            }
        }
    }
}
