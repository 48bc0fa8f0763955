using System.Buffers.Binary;
using System.Net;
using System.Security.Cryptography;

namespace Sessions.Media.Stun;

/// <summary>
/// A received STUN message (RFC 8489 sections 5, 6 and 14) with the attributes of ICE (RFC 8445 section 16.1). It is a view of the datagram
/// and copies nothing. Attributes after MESSAGE-INTEGRITY are ignored, except for FINGERPRINT (RFC 8489 section 14.5). If an attribute type
/// is repeated, the first attribute counts.
/// </summary>
public readonly ref struct StunMessage
{
    /// <summary>The longest message that is parsed, in bytes. It fits an Ethernet frame.</summary>
    public const int MaxLength = 1500;

    internal const int HeaderLength = 20;
    internal const int TransactionIdLength = 12;
    internal const int IntegrityLength = StunAttribute.HeaderLength + StunIntegrity.Length;
    internal const int FingerprintLength = StunAttribute.HeaderLength + sizeof(uint);
    internal const uint MagicCookie = 0x2112A442;

    private const ushort ClassBits = 0x0110;
    private const ushort BindingMethod = 0x0001;

    private readonly ReadOnlySpan<byte> _bytes;
    private readonly int _integrity;
    private readonly int _fingerprint;

    private StunMessage(ReadOnlySpan<byte> bytes, int integrity, int fingerprint)
    {
        _bytes = bytes;
        _integrity = integrity;
        _fingerprint = fingerprint;
    }

    /// <summary>Whether this is a request, an indication or a response.</summary>
    public StunClass Class => (StunClass)(((Type >> 7) & 0b10) | ((Type >> 4) & 0b01));

    /// <summary>Whether the method is Binding, the only method of ICE.</summary>
    public bool IsBinding => (Type & ~ClassBits) == BindingMethod;

    /// <summary>The 12 bytes that a response copies from its request.</summary>
    public ReadOnlySpan<byte> TransactionId => _bytes.Slice(HeaderLength - TransactionIdLength, TransactionIdLength);

    /// <summary>The length of the whole message in bytes.</summary>
    public int Length => _bytes.Length;

    /// <summary>The value of PRIORITY, RFC 8445 section 7.1.1.</summary>
    public uint? Priority => TryFind(StunAttribute.Priority, out var value) ? BinaryPrimitives.ReadUInt32BigEndian(value) : null;

    /// <summary>Whether USE-CANDIDATE nominates the pair, RFC 8445 section 7.1.2.</summary>
    public bool UseCandidate => TryFind(StunAttribute.UseCandidate, out _);

    /// <summary>The tie-breaker of a sender in the controlling role, RFC 8445 section 7.1.3.</summary>
    public ulong? IceControlling
        => TryFind(StunAttribute.IceControlling, out var value) ? BinaryPrimitives.ReadUInt64BigEndian(value) : null;

    /// <summary>The tie-breaker of a sender in the controlled role, RFC 8445 section 7.1.3.</summary>
    public ulong? IceControlled
        => TryFind(StunAttribute.IceControlled, out var value) ? BinaryPrimitives.ReadUInt64BigEndian(value) : null;

    /// <summary>The code of an error response, 300 to 699, RFC 8489 section 14.8.</summary>
    public int? ErrorCode => TryFind(StunAttribute.ErrorCode, out var value) ? (value[2] & 7) * 100 + value[3] : null;

    /// <summary>Whether there is an unknown attribute that the receiver must understand.</summary>
    public bool HasUnknownRequiredAttribute => CopyUnknownRequiredAttributes(stackalloc ushort[1]) > 0;

    private ushort Type => BinaryPrimitives.ReadUInt16BigEndian(_bytes);

    /// <summary>The attributes that are not ignored, which precede MESSAGE-INTEGRITY or, without it, FINGERPRINT.</summary>
    private ReadOnlySpan<byte> Attributes
        => _bytes[HeaderLength..(_integrity != 0 ? _integrity : _fingerprint != 0 ? _fingerprint : _bytes.Length)];

    /// <summary>
    /// Whether the header of a datagram is that of a STUN message, with leading zero bits, the magic cookie and the exact length.
    /// </summary>
    public static bool IsStun(ReadOnlySpan<byte> datagram)
        => datagram.Length >= HeaderLength
            && datagram[0] < 0x40
            && datagram.Length % 4 == 0
            && BinaryPrimitives.ReadUInt16BigEndian(datagram[2..]) == datagram.Length - HeaderLength
            && BinaryPrimitives.ReadUInt32BigEndian(datagram[4..]) == MagicCookie;

    /// <summary>
    /// Parses a message. Returns false, and a message that must not be used, if the header is wrong, an attribute does not end within the
    /// message or lacks the form of its type, FINGERPRINT is not the last attribute, or the message is longer than <see cref="MaxLength"/>.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> datagram, out StunMessage message)
    {
        message = default;
        if (datagram.Length > MaxLength || !IsStun(datagram))
            return false;

        int integrity = 0, fingerprint = 0;
        for (var at = HeaderLength; at < datagram.Length;)
        {
            if (fingerprint != 0 || !StunAttribute.TryRead(datagram[at..], out var attribute))
                return false;

            var counts = integrity == 0 || attribute.Type == StunAttribute.Fingerprint;
            if (counts && !attribute.IsWellFormed)
                return false;

            if (counts && attribute.Type == StunAttribute.MessageIntegrity)
                integrity = at;
            else if (attribute.Type == StunAttribute.Fingerprint)
                fingerprint = at;

            at += attribute.Length;
        }

        message = new(datagram, integrity, fingerprint);
        return true;
    }

    /// <summary>The value of USERNAME (RFC 8489 section 14.3). In a check it is "receiver's fragment:sender's fragment".</summary>
    public bool TryGetUsername(out ReadOnlySpan<byte> username) => TryFind(StunAttribute.Username, out username);

    /// <summary>The address in XOR-MAPPED-ADDRESS (RFC 8489 section 14.2), which is the sender's address as its peer sees it.</summary>
    public bool TryGetMappedAddress(out IPEndPoint? address)
    {
        address = null;
        if (!TryFind(StunAttribute.XorMappedAddress, out var value))
            return false;

        Span<byte> octets = stackalloc byte[value.Length - 4];
        for (var i = 0; i < octets.Length; i++)
            octets[i] = (byte)(value[4 + i] ^ _bytes[4 + i]); // XOR with the magic cookie and the transaction ID, which are adjacent

        address = new(new IPAddress(octets), BinaryPrimitives.ReadUInt16BigEndian(value[2..]) ^ (int)(MagicCookie >> 16));
        return true;
    }

    /// <summary>
    /// Copies the types of unknown attributes that the receiver must understand, as many as fit. A type that occurs twice is copied twice.
    /// </summary>
    /// <returns>The number of types copied.</returns>
    public int CopyUnknownRequiredAttributes(Span<ushort> types)
    {
        var count = 0;
        var attributes = Attributes;
        while (count < types.Length && StunAttribute.TryRead(attributes, out var attribute))
        {
            if (attribute.IsUnknownAndRequired)
                types[count++] = attribute.Type;

            attributes = attributes[attribute.Length..];
        }

        return count;
    }

    /// <summary>
    /// Whether MESSAGE-INTEGRITY is present and correct (RFC 8489 section 14.5). With short-term credentials the key is the password. The
    /// comparison takes the same time wherever the values differ.
    /// </summary>
    public bool VerifyIntegrity(ReadOnlySpan<byte> key)
    {
        if (_integrity == 0)
            return false;

        Span<byte> covered = stackalloc byte[_integrity];
        _bytes[.._integrity].CopyTo(covered);
        BinaryPrimitives.WriteUInt16BigEndian(covered[2..], (ushort)(_integrity + IntegrityLength - HeaderLength));
        Span<byte> expected = stackalloc byte[StunIntegrity.Length];
        StunIntegrity.Compute(key, covered, expected);
        return CryptographicOperations.FixedTimeEquals(expected, _bytes.Slice(_integrity + StunAttribute.HeaderLength, expected.Length));
    }

    /// <summary>Whether FINGERPRINT is present and correct (RFC 8489 section 14.7).</summary>
    public bool VerifyFingerprint()
        => _fingerprint != 0
            && BinaryPrimitives.ReadUInt32BigEndian(_bytes[(_fingerprint + StunAttribute.HeaderLength)..])
                == StunFingerprint.Of(_bytes[.._fingerprint]);

    private bool TryFind(ushort type, out ReadOnlySpan<byte> value)
    {
        var attributes = Attributes;
        while (StunAttribute.TryRead(attributes, out var attribute))
        {
            if (attribute.Type == type)
            {
                value = attribute.Value;
                return true;
            }

            attributes = attributes[attribute.Length..];
        }

        value = default;
        return false;
    }
}
