using System.Buffers.Binary;
using System.Net;
using Sessions.Media.Stun;

namespace Sessions.Tests.Media.Stun;

public sealed class StunMessageTests
{
    private const int Fingerprint = 8;

    public static TheoryData<byte[]> Vectors => [Rfc5769.Request, Rfc5769.Ipv4Response, Rfc5769.Ipv6Response];

    [Fact]
    public void The_request_of_RFC_5769_is_parsed()
    {
        var message = Parse(Rfc5769.Request);

        Assert.Equal(StunClass.Request, message.Class);
        Assert.True(message.IsBinding);
        Assert.Equal(Rfc5769.TransactionId, message.TransactionId);
        Assert.True(message.TryGetUsername(out var username));
        Assert.Equal("evtj:h6vY"u8, username);
        Assert.Equal(0x6e0001ffu, message.Priority);
        Assert.Equal(0x932ff9b151263b36u, message.IceControlled);
        Assert.Null(message.IceControlling);
        Assert.Null(message.ErrorCode);
        Assert.False(message.UseCandidate);
        Assert.False(message.TryGetMappedAddress(out _));
        Assert.False(message.HasUnknownRequiredAttribute);
    }

    [Theory]
    [InlineData(false, "192.0.2.1")]
    [InlineData(true, "2001:db8:1234:5678:11:2233:4455:6677")]
    public void The_responses_of_RFC_5769_are_parsed(bool isIpv6, string address)
    {
        var message = Parse(isIpv6 ? Rfc5769.Ipv6Response : Rfc5769.Ipv4Response);

        Assert.Equal(StunClass.SuccessResponse, message.Class);
        Assert.True(message.IsBinding);
        Assert.Equal(Rfc5769.TransactionId, message.TransactionId);
        Assert.True(message.TryGetMappedAddress(out var mapped));
        Assert.Equal(new IPEndPoint(IPAddress.Parse(address), 32853), mapped);
    }

    [Theory]
    [MemberData(nameof(Vectors))]
    public void The_vectors_of_RFC_5769_pass_integrity_and_fingerprint_verification(byte[] vector)
    {
        var message = Parse(vector);

        Assert.True(message.VerifyIntegrity(Rfc5769.Password));
        Assert.False(message.VerifyIntegrity("VOkJxbRl1RmTxUk/WvJxBT"u8));
        Assert.False(message.VerifyIntegrity([]));
        Assert.True(message.VerifyFingerprint());
    }

    [Theory]
    [MemberData(nameof(Vectors))]
    public void A_truncated_message_is_rejected(byte[] vector)
    {
        for (var length = 0; length < vector.Length; length++)
        {
            Assert.False(StunMessage.IsStun(vector.AsSpan(0, length)));
            Assert.False(StunMessage.TryParse(vector.AsSpan(0, length), out _));
        }
    }

    [Theory]
    [MemberData(nameof(Vectors))]
    public void A_message_truncated_within_its_covered_bytes_fails_integrity_verification(byte[] vector)
    {
        for (var length = StunMessage.HeaderLength; length < vector.Length; length++)
        {
            var truncated = vector[..length];
            BinaryPrimitives.WriteUInt16BigEndian(truncated.AsSpan(2), (ushort)(length - StunMessage.HeaderLength));
            if (!StunMessage.TryParse(truncated, out var message))
                continue;

            Assert.False(message.VerifyFingerprint());
            Assert.Equal(length == vector.Length - Fingerprint, message.VerifyIntegrity(Rfc5769.Password));
        }
    }

    [Theory]
    [MemberData(nameof(Vectors))]
    public void Every_flipped_bit_is_detected(byte[] vector)
    {
        for (var bit = 0; bit < vector.Length * 8; bit++)
        {
            var flipped = vector.ToArray();
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            if (!StunMessage.TryParse(flipped, out var message))
                continue;

            var isCovered = bit / 8 < vector.Length - Fingerprint;
            Assert.Equal(!isCovered, message.VerifyIntegrity(Rfc5769.Password));
            Assert.False(message.VerifyFingerprint());
        }
    }

    [Fact]
    public void A_written_request_is_parsed_to_the_same_values()
    {
        var buffer = new byte[256];
        var writer = new StunWriter(buffer, StunClass.Request, Rfc5769.TransactionId);
        writer.AddUsername("server"u8, "device"u8);
        writer.AddPriority(7);
        writer.AddIceControlling(ulong.MaxValue);
        writer.AddUseCandidate();
        writer.AddIntegrity(Rfc5769.Password);
        writer.AddFingerprint();
        var message = Parse(buffer[..writer.Length]);

        Assert.Equal(StunClass.Request, message.Class);
        Assert.True(message.IsBinding);
        Assert.Equal(Rfc5769.TransactionId, message.TransactionId);
        Assert.True(message.TryGetUsername(out var username));
        Assert.Equal("server:device"u8, username);
        Assert.Equal(7u, message.Priority);
        Assert.Equal(ulong.MaxValue, message.IceControlling);
        Assert.Null(message.IceControlled);
        Assert.True(message.UseCandidate);
        Assert.False(message.HasUnknownRequiredAttribute);
        Assert.True(message.VerifyIntegrity(Rfc5769.Password));
        Assert.True(message.VerifyFingerprint());
    }

    [Theory]
    [InlineData(StunClass.Request)]
    [InlineData(StunClass.Indication)]
    [InlineData(StunClass.SuccessResponse)]
    [InlineData(StunClass.ErrorResponse)]
    public void Each_class_is_parsed_as_written(StunClass @class)
    {
        var buffer = new byte[64];
        var message = Parse(buffer[..new StunWriter(buffer, @class, Rfc5769.TransactionId).Length]);

        Assert.Equal(@class, message.Class);
        Assert.True(message.IsBinding);
    }

    [Fact]
    public void A_message_with_another_method_is_not_a_Binding_message()
    {
        var bytes = Rfc5769.Request;
        bytes[1] = 0x03; // Allocate, of TURN

        Assert.False(Parse(bytes).IsBinding);
        Assert.Equal(StunClass.Request, Parse(bytes).Class);
    }

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1")]
    [InlineData("2001:db8::1", "2001:db8::1")]
    [InlineData("::ffff:192.0.2.1", "192.0.2.1")]
    public void A_written_mapped_address_is_parsed_to_the_same_address(string written, string read)
    {
        var buffer = new byte[64];
        var writer = new StunWriter(buffer, StunClass.SuccessResponse, Rfc5769.TransactionId);
        writer.AddMappedAddress(new(IPAddress.Parse(written), 65535));

        Assert.True(Parse(buffer[..writer.Length]).TryGetMappedAddress(out var address));
        Assert.Equal(new IPEndPoint(IPAddress.Parse(read), 65535), address);
    }

    [Fact]
    public void A_written_error_code_is_parsed_to_the_same_code()
    {
        var buffer = new byte[64];
        var writer = new StunWriter(buffer, StunClass.ErrorResponse, Rfc5769.TransactionId);
        writer.AddErrorCode(487, "Role Conflict"u8);

        Assert.Equal(487, Parse(buffer[..writer.Length]).ErrorCode);
    }

    [Fact]
    public void Unknown_required_attributes_are_reported()
    {
        var message = Parse(WithAttributes("7fff0000", "00010001ff202020", "ffff0000", "001c000401020304"));
        Span<ushort> types = stackalloc ushort[4];

        Assert.True(message.HasUnknownRequiredAttribute);
        Assert.Equal([0x7fff, 0x001c], types[..message.CopyUnknownRequiredAttributes(types)].ToArray());
        Assert.Equal(1, message.CopyUnknownRequiredAttributes(types[..1]));
    }

    [Fact]
    public void Unknown_optional_attributes_are_ignored()
        => Assert.False(Parse(WithAttributes("80000000", "c05700080102030405060708")).HasUnknownRequiredAttribute);

    [Fact]
    public void Attributes_after_MESSAGE_INTEGRITY_are_ignored()
    {
        var request = Rfc5769.Request;
        byte[] bytes = [.. request[..^Fingerprint], .. Convert.FromHexString("00250000" + "7fff0000" + "00240001ffffffff")];
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), (ushort)(bytes.Length - StunMessage.HeaderLength));
        var message = Parse(bytes);

        Assert.True(message.VerifyIntegrity(Rfc5769.Password));
        Assert.False(message.UseCandidate);
        Assert.False(message.HasUnknownRequiredAttribute);
        Assert.Equal(0x6e0001ffu, message.Priority);
    }

    [Fact]
    public void The_first_of_several_equal_attributes_is_used()
        => Assert.Equal(1u, Parse(WithAttributes("0024000400000001", "0024000400000002")).Priority);

    [Fact]
    public void A_message_without_integrity_and_fingerprint_fails_both_verifications()
    {
        var message = Parse(WithAttributes("0024000400000001"));

        Assert.False(message.VerifyIntegrity(Rfc5769.Password));
        Assert.False(message.VerifyFingerprint());
    }

    [Theory]
    [InlineData("00240003000000ff")] // PRIORITY of 3 bytes
    [InlineData("0025000400000000")] // USE-CANDIDATE with a value
    [InlineData("8029000400000000")] // ICE-CONTROLLED of 4 bytes
    [InlineData("802a000400000000")] // ICE-CONTROLLING of 4 bytes
    [InlineData("0008000400000000")] // MESSAGE-INTEGRITY of 4 bytes
    [InlineData("80280000")] // FINGERPRINT without a value
    [InlineData("0009000400000200")] // ERROR-CODE 200
    [InlineData("0009000400000464")] // ERROR-CODE 4 and 100
    [InlineData("0009000200000000")] // ERROR-CODE of 2 bytes
    [InlineData("00200000")] // XOR-MAPPED-ADDRESS without a value
    [InlineData("0020000800030000e112a643")] // XOR-MAPPED-ADDRESS of an unknown family
    [InlineData("0020000800020000e112a643")] // XOR-MAPPED-ADDRESS of IPv6 in 4 bytes
    [InlineData("80220005")] // a value that exceeds the message
    [InlineData("8022000500000000")] // padding that exceeds the message
    [InlineData("802800040000000000240004000000ff")] // an attribute after FINGERPRINT
    public void A_message_with_a_malformed_attribute_is_rejected(string attributes)
        => Assert.False(StunMessage.TryParse(WithAttributes(attributes), out _));

    [Theory]
    [InlineData(0, 0x40)] // the first bits
    [InlineData(0, 0x80)]
    [InlineData(3, 0x5c)] // a length beyond the end
    [InlineData(3, 0x54)] // a length before the end
    [InlineData(3, 0x59)] // a length that is not a multiple of 4
    [InlineData(4, 0x20)] // the magic cookie
    [InlineData(7, 0x43)]
    public void A_message_with_an_invalid_header_is_rejected(int index, byte value)
    {
        var bytes = Rfc5769.Request;
        bytes[index] = value;

        Assert.False(StunMessage.IsStun(bytes));
        Assert.False(StunMessage.TryParse(bytes, out _));
    }

    [Theory]
    [InlineData(StunMessage.MaxLength, true)]
    [InlineData(StunMessage.MaxLength + 4, false)]
    public void A_message_over_1500_bytes_is_rejected(int length, bool isMessage)
    {
        var value = length - StunMessage.HeaderLength - 4;

        Assert.Equal(isMessage, StunMessage.TryParse(WithAttributes($"8022{value:x4}{new string('0', 2 * value)}"), out _));
    }

    [Fact]
    public void Parsing_and_writing_allocate_nothing()
    {
        var request = Rfc5769.Request;
        var password = Rfc5769.Password;
        var buffer = new byte[256];
        var address = new IPEndPoint(IPAddress.Parse("2001:db8::1"), 7);
        long allocated = 0;
        for (var i = 0; i < 200; i++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            var isRight = StunMessage.TryParse(request, out var message)
                && message.TryGetUsername(out _)
                && !message.HasUnknownRequiredAttribute
                && message.VerifyFingerprint()
                && message.VerifyIntegrity(password);
            var writer = new StunWriter(buffer, StunClass.SuccessResponse, message.TransactionId);
            writer.AddMappedAddress(address);
            writer.AddIntegrity(password);
            writer.AddFingerprint();
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(isRight);
        }

        Assert.Equal(0, allocated);
    }

    private static StunMessage Parse(byte[] bytes)
    {
        Assert.True(StunMessage.TryParse(bytes, out var message));
        return message;
    }

    /// <summary>A Binding request with these attributes, in hexadecimal digits.</summary>
    private static byte[] WithAttributes(params string[] attributes)
    {
        var value = Convert.FromHexString(string.Concat(attributes));
        byte[] bytes = [0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, .. Rfc5769.TransactionId, .. value];
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), (ushort)value.Length);
        return bytes;
    }
}
