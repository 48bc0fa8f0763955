using System.Buffers.Binary;

namespace Sessions.Media.Ice;

/// <summary>
/// Datagrams in a TCP stream, RFC 4571 section 2: each behind its length in 2 bytes. The reader of one stream receives into
/// <see cref="Room"/>, tells with <see cref="Commit"/> how many bytes came, and takes frames with <see cref="TryRead"/> until there is
/// none. Not safe for several threads.
/// </summary>
/// <param name="maxFrameLength">The longest frame in bytes. A longer one breaks the stream, which then is to be closed.</param>
public sealed class StreamFraming(int maxFrameLength)
{
    /// <summary>The bytes before each datagram.</summary>
    public const int HeaderLength = 2;

    // Room for two frames: after all whole frames were taken, another one fits behind the rest of any.
    private readonly byte[] _buffer = new byte[2 * (HeaderLength + maxFrameLength)];
    private int _start;
    private int _end;

    /// <summary>Whether a frame was too long. Nothing can be read any more.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>
    /// Where the next bytes of the stream go. It has room for at least a frame after <see cref="TryRead"/> returned false, and makes
    /// frames that were read before invalid.
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
    /// <returns>The length of the frame, which is that of the datagram and <see cref="HeaderLength"/>.</returns>
    public static int Write(ReadOnlySpan<byte> datagram, Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt16BigEndian(destination, checked((ushort)datagram.Length));
        datagram.CopyTo(destination[HeaderLength..]);
        return HeaderLength + datagram.Length;
    }

    /// <summary>Says that <paramref name="count"/> bytes have come into <see cref="Room"/>.</summary>
    public void Commit(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)(_buffer.Length - _end), nameof(count));
        _end += count;
    }

    /// <summary>
    /// Takes the next datagram out. It may be changed in place, and is valid until <see cref="Room"/> is used. Empty ones, which RFC 4571
    /// has ignored, are left out.
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
