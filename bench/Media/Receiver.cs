using System.Net.Sockets;

namespace Sessions.MediaBench;

/// <summary>
/// The thread that receives for all devices. It checks for datagrams every few milliseconds. A thread that waited for each datagram would
/// be woken within the server's system calls, so the server would spend processor time that it would not spend on a network.
/// </summary>
internal sealed class Receiver : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    private readonly Lock _gate = new();
    private readonly Dictionary<Socket, LoadConnection> _connections = [];
    private readonly Thread _thread;
    private volatile bool _isStopped;

    public Receiver()
    {
        _thread = new(Run) { IsBackground = true, Name = "Receiver" };
        _thread.Start();
    }

    public void Add(LoadConnection connection)
    {
        lock (_gate)
            _connections.Add(connection.Socket, connection);
    }

    public void Dispose()
    {
        _isStopped = true;
        _thread.Join();
    }

    private void Run()
    {
        List<Socket> ready = [];
        while (!_isStopped)
        {
            Thread.Sleep(Pause);
            lock (_gate)
            {
                ready.Clear();
                ready.AddRange(_connections.Keys);
                if (ready.Count == 0)
                    continue;

                Socket.Select(ready, null, null, TimeSpan.Zero);
                foreach (var socket in ready)
                    _connections[socket].Receive();
            }
        }
    }
}
