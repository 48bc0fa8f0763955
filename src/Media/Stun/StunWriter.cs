using System.Buffers.Binary;
using System.Net;

namespace Sessions.Media.Stun;

/// <summary>
/// Writes a Binding message (RFC 8489 sections 5 and 14). MESSAGE-INTEGRITY covers the attributes added before it, and FINGERPRINT comes
/// last. After each call the first <see cref="Length"/> bytes of the buffer are a complete message.
/// </summary>
public ref struct StunWriter
{
    private readonly Span<byte> _buffer;

    /// <summary>Starts a message.</summary>
    /// <param name="buffer">The buffer for the message. If it is too short, the call that finds no room throws.</param>
    /// <param name="class">The class. The method is always Binding.</param>
    /// <param name="transactionId">12 bytes, which are random in a request and copied from the request in a response.</param>
    public StunWriter(Span<byte> buffer, StunClass @class, scoped ReadOnlySpan<byte> transactionId)
    {
        if (transactionId.Length != StunMessage.TransactionIdLength)
            throw new ArgumentException("A transaction ID has 12 bytes.", nameof(transactionId));

        _buffer = buffer;
        Length = StunMessage.HeaderLength;
        BinaryPrimitives.WriteUInt16BigEndian(buffer, (ushort)((((int)@class & 0b10) << 7) | (((int)@class & 0b01) << 4) | 0x0001));
        BinaryPrimitives.WriteUInt16BigEndian(buffer[2..], 0);
        BinaryPrimitives.WriteUInt32BigEndian(buffer[4..], StunMessage.MagicCookie);
        transactionId.CopyTo(buffer[8..]);
    }

    /// <summary>The length of the message so far, in bytes.</summary>
    public int Length { get; private set; }

    /// <summary>
    /// Adds USERNAME (RFC 8445 section 7.2.2), which is the receiver's fragment, a colon, and the sender's fragment, all in ASCII.
    /// </summary>
    public void AddUsername(scoped ReadOnlySpan<byte> receiverFragment, scoped ReadOnlySpan<byte> senderFragment)
    {
        var value = Add(StunAttribute.Username, receiverFragment.Length + 1 + senderFragment.Length);
        receiverFragment.CopyTo(value);
        value[receiverFragment.Length] = (byte)':';
        senderFragment.CopyTo(value[(receiverFragment.Length + 1)..]);
    }

    /// <summary>Adds PRIORITY (RFC 8445 section 7.1.1).</summary>
    public void AddPriority(uint priority) => BinaryPrimitives.WriteUInt32BigEndian(Add(StunAttribute.Priority, sizeof(uint)), priority);

    /// <summary>Adds USE-CANDIDATE (RFC 8445 section 7.1.2).</summary>
    public void AddUseCandidate() => Add(StunAttribute.UseCandidate, 0);

    /// <summary>Adds ICE-CONTROLLING (RFC 8445 section 7.1.3).</summary>
    public void AddIceControlling(ulong tieBreaker)
        => BinaryPrimitives.WriteUInt64BigEndian(Add(StunAttribute.IceControlling, sizeof(ulong)), tieBreaker);

    /// <summary>Adds ICE-CONTROLLED (RFC 8445 section 7.1.3).</summary>
    public void AddIceControlled(ulong tieBreaker)
        => BinaryPrimitives.WriteUInt64BigEndian(Add(StunAttribute.IceControlled, sizeof(ulong)), tieBreaker);

    /// <summary>Adds ERROR-CODE (RFC 8489 section 14.8).</summary>
    /// <param name="code">300 to 699.</param>
    /// <param name="reason">The reason phrase in UTF-8, for people.</param>
    public void AddErrorCode(int code, scoped ReadOnlySpan<byte> reason)
    {
        var value = Add(StunAttribute.ErrorCode, 4 + reason.Length);
        value[2] = (byte)(code / 100);
        value[3] = (byte)(code % 100);
        reason.CopyTo(value[4..]);
    }

    /// <summary>Adds UNKNOWN-ATTRIBUTES (RFC 8489 section 14.9), the types that make a request fail with 420.</summary>
    public void AddUnknownAttributes(scoped ReadOnlySpan<ushort> types)
    {
        var value = Add(StunAttribute.UnknownAttributes, types.Length * sizeof(ushort));
        for (var i = 0; i < types.Length; i++)
            BinaryPrimitives.WriteUInt16BigEndian(value[(i * sizeof(ushort))..], types[i]);
    }

    /// <summary>Adds XOR-MAPPED-ADDRESS (RFC 8489 section 14.2). An IPv4 address in IPv6 form is written as IPv4.</summary>
    public void AddMappedAddress(IPEndPoint address)
    {
        Span<byte> octets = stackalloc byte[16];
        address.Address.TryWriteBytes(octets, out var length);
        if (address.Address.IsIPv4MappedToIPv6)
            octets = octets[12..];
        else
            octets = octets[..length];

        var value = Add(StunAttribute.XorMappedAddress, 4 + octets.Length);
        value[1] = (byte)(octets.Length == 4 ? 1 : 2);
        BinaryPrimitives.WriteUInt16BigEndian(value[2..], (ushort)(address.Port ^ (int)(StunMessage.MagicCookie >> 16)));
        for (var i = 0; i < octets.Length; i++)
            value[4 + i] = (byte)(octets[i] ^ _buffer[4 + i]); // XOR with the magic cookie and the transaction ID, which are adjacent
    }

    /// <summary>Adds MESSAGE-INTEGRITY (RFC 8489 section 14.5). With short-term credentials the key is the password.</summary>
    public void AddIntegrity(scoped ReadOnlySpan<byte> key)
    {
        var covered = Length;
        var value = Add(StunAttribute.MessageIntegrity, StunIntegrity.Length);
        StunIntegrity.Compute(key, _buffer[..covered], value);
    }

    /// <summary>Adds FINGERPRINT (RFC 8489 section 14.7).</summary>
    public void AddFingerprint()
    {
        var covered = Length;
        var value = Add(StunAttribute.Fingerprint, sizeof(uint));
        BinaryPrimitives.WriteUInt32BigEndian(value, StunFingerprint.Of(_buffer[..covered]));
    }

    /// <summary>Adds an attribute with a zero value, and adds its length to the message length.</summary>
    private Span<byte> Add(ushort type, int valueLength)
    {
        var attribute = _buffer.Slice(Length, StunAttribute.HeaderLength + StunAttribute.Padded(valueLength));
        attribute.Clear();
        BinaryPrimitives.WriteUInt16BigEndian(attribute, type);
        BinaryPrimitives.WriteUInt16BigEndian(attribute[2..], (ushort)valueLength);
        Length += attribute.Length;
        BinaryPrimitives.WriteUInt16BigEndian(_buffer[2..], (ushort)(Length - StunMessage.HeaderLength));
        return attribute.Slice(StunAttribute.HeaderLength, valueLength);
    }
}
