using System.Buffers.Binary;
using System.Net;
using Sessions.Media.Ice;
using Sessions.Media.Stun;
using Sessions.Tests.Media.Ice;

namespace Sessions.Tests.Media.Stun;

/// <summary>Valid messages with random changes. Most of them have a correct length, so that the parser reaches the attributes.</summary>
public sealed class StunFuzzTests
{
    private const int Messages = 200_000;
    private const int IntegrityEnd = 8; // FINGERPRINT follows

    [Fact]
    public void Mutated_messages_never_throw_and_never_pass_as_authentic()
    {
        var random = new Random(20250805);
        byte[][] seeds = [Rfc5769.Request, Rfc5769.Ipv4Response, Rfc5769.Ipv6Response];
        var lite = new IceLite(new("evtj", "VOkJxbRl1RmTxUk/WvJxBt"));
        var flow = new TestFlow(new(IPAddress.Loopback, 1));
        var response = new byte[IceLite.MaxResponseLength];
        var parsed = 0;
        for (var i = 0; i < Messages; i++)
        {
            var seed = seeds[random.Next(seeds.Length)];
            var mutated = Mutate(seed, random);
            if (!StunMessage.TryParse(mutated, out var message))
                continue;

            parsed++;
            Assert.True(StunMessage.IsStun(mutated));
            ReadAll(message);
            if (message.VerifyIntegrity(Rfc5769.Password))
                Assert.True(CoversTheSame(seed, mutated), Convert.ToHexString(mutated));

            var result = lite.Check(message, flow, TimeSpan.Zero, response, out var length);
            Assert.Equal(mutated.AsSpan().SequenceEqual(seeds[0]) ? CheckResult.Answered : CheckResult.Dropped, result);
            Assert.True(result != CheckResult.Dropped || length == 0);
        }

        Assert.InRange(parsed, Messages / 10, Messages);
        Assert.Null(lite.Selected);
        Assert.Null(lite.LastConsent);
    }

    [Fact]
    public void Random_bytes_after_a_valid_header_never_throw()
    {
        var random = new Random(7);
        for (var i = 0; i < Messages / 4; i++)
        {
            var bytes = new byte[StunMessage.HeaderLength + 4 * random.Next(32)];
            random.NextBytes(bytes);
            bytes[0] &= 0x3f;
            FixHeader(bytes);
            if (StunMessage.TryParse(bytes, out var message))
                ReadAll(message);
        }
    }

    private static void ReadAll(in StunMessage message)
    {
        Span<ushort> types = stackalloc ushort[8];
        Assert.Equal(message.HasUnknownRequiredAttribute, message.CopyUnknownRequiredAttributes(types) > 0);
        Assert.True(Enum.IsDefined(message.Class));
        Assert.Equal(StunMessage.TransactionIdLength, message.TransactionId.Length);
        Assert.True(message.ErrorCode is null or >= 300 and <= 699);
        Assert.Equal(message.TryGetMappedAddress(out var address), address is not null);
        _ = message.IsBinding;
        _ = message.TryGetUsername(out _);
        _ = message.Priority;
        _ = message.UseCandidate;
        _ = message.IceControlling;
        _ = message.IceControlled;
        _ = message.VerifyFingerprint();
    }

    /// <summary>Whether two messages are the same up to and including MESSAGE-INTEGRITY, except for the length in the header.</summary>
    private static bool CoversTheSame(byte[] seed, byte[] mutated)
    {
        var end = seed.Length - IntegrityEnd;
        return mutated.Length >= end
            && mutated.AsSpan(0, 2).SequenceEqual(seed.AsSpan(0, 2))
            && mutated.AsSpan(4..end).SequenceEqual(seed.AsSpan(4..end));
    }

    private static byte[] Mutate(byte[] seed, Random random)
    {
        List<byte> bytes = [.. seed];
        for (var changes = random.Next(1, 4); changes > 0; changes--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(6))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2: // whole words, so that the rest stays aligned
                    bytes.RemoveRange(at & ~3, Math.Min(4 * random.Next(1, 4), bytes.Count - (at & ~3)));
                    break;
                case 3:
                    bytes.InsertRange(at & ~3, new byte[4 * random.Next(1, 4)]);
                    break;
                case 4: // a part of it again elsewhere
                    bytes.InsertRange(at & ~3, seed[(random.Next(5, seed.Length / 4) * 4)..]);
                    break;
                default:
                    bytes[at & ~1] = 0; // many types and lengths are small numbers
                    break;
            }

            if (bytes.Count == 0)
                break;
        }

        var mutated = bytes.ToArray();
        if (random.Next(8) != 0)
            FixHeader(mutated);

        return mutated;
    }

    private static void FixHeader(byte[] bytes)
    {
        if (bytes.Length < StunMessage.HeaderLength)
            return;

        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), (ushort)(bytes.Length - StunMessage.HeaderLength));
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(4), StunMessage.MagicCookie);
    }
}
