using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Security.Cryptography;

namespace Sessions.Media.Srtp;

/// <summary>
/// Encrypts many successive counter blocks with AES-128 in one call, because a call for each block is slow. Unlike a one-shot call, it
/// allocates nothing. Not thread-safe.
/// </summary>
internal sealed class Keystream : IDisposable
{
    /// <summary>The length of a block in bytes.</summary>
    public const int BlockLength = 16;

    /// <summary>The maximum number of blocks in one call, more than a packet of the usual MTU needs.</summary>
    public const int MaxBlocks = 96;

    private readonly ICryptoTransform _encryptor;
    private readonly byte[] _counters = new byte[MaxBlocks * BlockLength];
    private readonly byte[] _blocks = new byte[MaxBlocks * BlockLength];

    public Keystream(byte[] key)
    {
        using var aes = Aes.Create();
        aes.Key = key;
        aes.Mode = CipherMode.ECB;
        aes.Padding = PaddingMode.None;
        _encryptor = aes.CreateEncryptor();
    }

    /// <summary>Encrypts counter blocks. The result is valid until the next call.</summary>
    /// <param name="vector">
    /// A block whose last 16 bits are replaced by the counter. No datagram has more blocks than 16 bits can count.
    /// </param>
    /// <param name="firstCounter">The counter of the first block.</param>
    /// <param name="count">The number of blocks, at most <see cref="MaxBlocks"/>.</param>
    public ReadOnlySpan<byte> Create(ReadOnlySpan<byte> vector, int firstCounter, int count)
    {
        var first = Vector128.Create(vector).AsUInt16();
        var counters = MemoryMarshal.Cast<byte, Vector128<ushort>>(_counters.AsSpan(0, count * BlockLength));

        for (var i = 0; i < counters.Length; i++)
        {
            var counter = (ushort)(firstCounter + i);
            counters[i] = first.WithElement(7, BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(counter) : counter);
        }

        _encryptor.TransformBlock(_counters, 0, count * BlockLength, _blocks, 0);
        return _blocks.AsSpan(0, count * BlockLength);
    }

    /// <summary>XORs all of <paramref name="source"/>, which may be the destination, with the same length of a keystream.</summary>
    public static void Xor(ReadOnlySpan<byte> source, ReadOnlySpan<byte> keystream, Span<byte> destination)
    {
        var i = 0;

        for (; i <= source.Length - Vector256<byte>.Count; i += Vector256<byte>.Count)
            (Vector256.Create(source[i..]) ^ Vector256.Create(keystream[i..])).CopyTo(destination[i..]);

        for (; i < source.Length; i++)
            destination[i] = (byte)(source[i] ^ keystream[i]);
    }

    /// <inheritdoc/>
    public void Dispose() => _encryptor.Dispose();
}
