using System.Buffers.Binary;

namespace Sessions.Media.Ice;

/// <summary>
/// Datagrams in a TCP stream, each preceded by its length in 2 bytes (RFC 4571 section 2). The reader of a stream receives into
/// <see cref="Room"/>, reports the number of bytes with <see cref="Commit"/>, and reads frames with <see cref="TryRead"/> until there is
/// none. Not thread-safe.
/// </summary>
/// <param name="maxFrameLength">The longest frame in bytes. A longer one breaks the stream, which must then be closed.</param>
public sealed class StreamFraming(int maxFrameLength)
{
    /// <summary>The length of the header before each datagram, in bytes.</summary>
    public const int HeaderLength = 2;

    // Room for two frames. After all complete frames have been read, one more frame fits after an incomplete one.
    private readonly byte[] _buffer = new byte[2 * (HeaderLength + maxFrameLength)];
    private int _start;
    private int _end;

    /// <summary>Whether a frame was too long. Nothing can be read any more.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>
    /// The buffer for the next bytes of the stream. After <see cref="TryRead"/> has returned false, it has room for at least one frame.
    /// Using it invalidates frames that were read before.
    /// </summary>
    public Memory<byte> Room
    {
        get
        {
            _buffer.AsSpan(_start.._end).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
            return IsBroken ? default : _buffer.AsMemory(_end);
        }
    }

    /// <summary>Writes a datagram of at most 65,535 bytes as a frame.</summary>
    /// <returns>The length of the frame, which is the length of the datagram plus <see cref="HeaderLength"/>.</returns>
    public static int Write(ReadOnlySpan<byte> datagram, Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt16BigEndian(destination, checked((ushort)datagram.Length));
        datagram.CopyTo(destination[HeaderLength..]);
        return HeaderLength + datagram.Length;
    }

    /// <summary>Reports that <paramref name="count"/> bytes have been received into <see cref="Room"/>.</summary>
    public void Commit(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)(_buffer.Length - _end), nameof(count));
        _end += count;
    }

    /// <summary>
    /// Reads the next datagram. It may be changed in place, and is valid until <see cref="Room"/> is used. Empty datagrams, which RFC 4571
    /// tells receivers to ignore, are skipped.
    /// </summary>
    public bool TryRead(out Span<byte> datagram)
    {
        datagram = default;
        while (datagram.IsEmpty && !IsBroken && _end - _start >= HeaderLength)
        {
            var length = BinaryPrimitives.ReadUInt16BigEndian(_buffer.AsSpan(_start));
            IsBroken = length > maxFrameLength;
            if (IsBroken || _end - _start - HeaderLength < length)
                return false;

            datagram = _buffer.AsSpan(_start + HeaderLength, length);
            _start += HeaderLength + length;
        }

        return !datagram.IsEmpty;
    }
}
