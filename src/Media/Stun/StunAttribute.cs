using System.Buffers.Binary;

namespace Sessions.Media.Stun;

/// <summary>
/// One attribute of a STUN message (RFC 8489 section 14), which consists of type, length, value, and padding to a multiple of 4 bytes.
/// </summary>
internal readonly ref struct StunAttribute
{
    public const int HeaderLength = 4;

    // RFC 8489 section 18.3, RFC 8445 section 16.1
    public const ushort MappedAddress = 0x0001;
    public const ushort Username = 0x0006;
    public const ushort MessageIntegrity = 0x0008;
    public const ushort ErrorCode = 0x0009;
    public const ushort UnknownAttributes = 0x000A;
    public const ushort XorMappedAddress = 0x0020;
    public const ushort Priority = 0x0024;
    public const ushort UseCandidate = 0x0025;
    public const ushort Fingerprint = 0x8028;
    public const ushort IceControlled = 0x8029;
    public const ushort IceControlling = 0x802A;

    private StunAttribute(ushort type, ReadOnlySpan<byte> value)
    {
        Type = type;
        Value = value;
    }

    public ushort Type { get; }

    /// <summary>The value without its padding.</summary>
    public ReadOnlySpan<byte> Value { get; }

    /// <summary>The length of the attribute in the message with header and padding, in bytes.</summary>
    public int Length => HeaderLength + Padded(Value.Length);

    /// <summary>
    /// Whether the receiver must understand the type but does not. Types below 0x8000 must be understood (RFC 8489 section 14).
    /// </summary>
    public bool IsUnknownAndRequired => Type < 0x8000
        && Type is not (MappedAddress or Username or MessageIntegrity or ErrorCode or UnknownAttributes or XorMappedAddress or Priority
            or UseCandidate);

    /// <summary>Whether the value has the form that its type requires. The value of an unknown type may have any form.</summary>
    public bool IsWellFormed => Type switch
    {
        Username => Value.Length < 509,
        MessageIntegrity => Value.Length == 20,
        ErrorCode => Value.Length >= 4 && (Value[2] & 7) is >= 3 and <= 6 && Value[3] < 100,
        XorMappedAddress => Value.Length >= 2 && (Value[1], Value.Length) is (1, 8) or (2, 20),
        Priority or Fingerprint => Value.Length == 4,
        UseCandidate => Value.IsEmpty,
        IceControlled or IceControlling => Value.Length == 8,
        _ => true,
    };

    public static int Padded(int length) => (length + 3) & ~3;

    /// <summary>Reads the attribute at the start of <paramref name="bytes"/>. False if it ends after them.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out StunAttribute attribute)
    {
        attribute = default;
        if (bytes.Length < HeaderLength)
            return false;

        var length = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        if (HeaderLength + Padded(length) > bytes.Length)
            return false;

        attribute = new(BinaryPrimitives.ReadUInt16BigEndian(bytes), bytes.Slice(HeaderLength, length));
        return true;
    }
}
