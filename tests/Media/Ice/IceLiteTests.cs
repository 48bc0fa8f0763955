using System.Buffers.Binary;
using System.Net;
using System.Text;
using Sessions.Media;
using Sessions.Media.Ice;
using Sessions.Media.Stun;

namespace Sessions.Tests.Media.Ice;

public sealed class IceLiteTests
{
    private static readonly IceCredentials Server = new("serverFragment", "password of the server");
    private static readonly IceCredentials Device = new("deviceFragment", "password of the device");

    private readonly IceLite _lite = new(Server) { Remote = Device };
    private readonly TestFlow _flow = new(new(IPAddress.Parse("192.0.2.1"), 5000));
    private readonly TestFlow _other = new(new(IPAddress.Parse("2001:db8::2"), 5001));
    private readonly byte[] _response = new byte[IceLite.MaxResponseLength];
    private int _transactions;

    [Fact]
    public void A_response_contains_the_source_address_of_the_check()
    {
        Assert.Equal(CheckResult.Authenticated, Check(Request(), _other, At(0), out var length));
        Assert.True(StunMessage.TryParse(_response.AsSpan(0, length), out var response));
        Assert.Equal(StunClass.SuccessResponse, response.Class);
        Assert.Equal(TransactionId(_transactions), response.TransactionId);
        Assert.True(response.TryGetMappedAddress(out var address));
        Assert.Equal(_other.Remote, address);
        Assert.True(response.VerifyIntegrity(Encoding.ASCII.GetBytes(Server.Password)));
        Assert.True(response.VerifyFingerprint());
    }

    [Fact]
    public void A_check_without_a_nomination_selects_no_flow()
    {
        Check(Request(), _flow, At(0), out _);

        Assert.Null(_lite.Selected);
        Assert.Null(_lite.LastConsent);
        Assert.False(_lite.IsConsentExpired(At(1000)));
    }

    [Fact]
    public void A_nomination_selects_its_flow()
    {
        Assert.Equal(CheckResult.Nominated, Check(Request(isNomination: true), _flow, At(3), out _));
        Assert.Same(_flow, _lite.Selected);
        Assert.Equal(At(3), _lite.LastConsent);
    }

    [Fact]
    public void Another_nomination_of_the_selected_flow_only_refreshes_consent()
    {
        Check(Request(isNomination: true), _flow, At(0), out _);

        Assert.Equal(CheckResult.Authenticated, Check(Request(isNomination: true), _flow, At(1), out _));
        Assert.Same(_flow, _lite.Selected);
        Assert.Equal(At(1), _lite.LastConsent);
    }

    [Fact]
    public void A_new_address_of_the_peer_is_selected_when_the_peer_nominates_it()
    {
        Check(Request(isNomination: true), _flow, At(0), out _);

        Assert.Equal(CheckResult.Authenticated, Check(Request(), _other, At(1), out _));
        Assert.Same(_flow, _lite.Selected);
        Assert.Equal(At(0), _lite.LastConsent);
        Assert.Equal(CheckResult.Nominated, Check(Request(isNomination: true), _other, At(2), out _));
        Assert.Same(_other, _lite.Selected);
        Assert.Equal(At(2), _lite.LastConsent);
    }

    [Fact]
    public void A_replayed_nomination_does_not_change_the_selected_flow()
    {
        var nomination = Request(isNomination: true);
        Check(nomination, _flow, At(0), out _);

        Assert.Equal(CheckResult.Authenticated, Check(nomination, _other, At(1), out _));
        Assert.Same(_flow, _lite.Selected);
        Check(Request(isNomination: true), _other, At(2), out _);
        Assert.Equal(CheckResult.Authenticated, Check(nomination, _flow, At(3), out _));
        Assert.Same(_other, _lite.Selected);
    }

    [Fact]
    public void Consent_expires_30_seconds_after_the_last_check_of_the_selected_flow()
    {
        Check(Request(isNomination: true), _flow, At(0), out _);
        Check(Request(), _flow, At(10), out _);
        Check(Request(), _other, At(39), out _);

        Assert.False(_lite.IsConsentExpired(At(39.999)));
        Assert.True(_lite.IsConsentExpired(At(40)));
        Check(Request(), _flow, At(41), out _);
        Assert.False(_lite.IsConsentExpired(At(41)));
    }

    [Fact]
    public void A_check_from_the_selected_address_over_a_new_flow_refreshes_consent()
    {
        Check(Request(isNomination: true), _flow, At(0), out _);
        var again = new TestFlow(_flow.Remote);

        Assert.Equal(CheckResult.Authenticated, Check(Request(), again, At(100), out _));

        Assert.Same(again, _lite.Selected);
        Assert.False(_lite.IsConsentExpired(At(100)));
        Check(Request(), new TestFlow(_flow.Remote, isTcp: true), At(101), out _);
        Assert.Same(again, _lite.Selected);
    }

    [Fact]
    public void Forged_checks_do_not_refresh_consent()
    {
        Check(Request(isNomination: true), _flow, At(0), out _);
        Check(Request(password: Device.Password), _flow, At(29), out _);

        Assert.True(_lite.IsConsentExpired(At(30)));
    }

    [Fact]
    public void A_check_with_a_wrong_password_is_dropped() => AssertDropped(Request(isNomination: true, password: "another"));

    [Theory]
    [InlineData("serverFragmenT", "deviceFragment")]
    [InlineData("serverFragmen", "deviceFragment")]
    [InlineData("serverFragmentX", "deviceFragment")]
    [InlineData("", "deviceFragment")]
    [InlineData("deviceFragment", "serverFragment")]
    [InlineData("serverFragment", "deviceFragmenT")]
    [InlineData("serverFragment", "deviceFragmentX")]
    [InlineData("serverFragment", "")]
    public void A_check_with_a_wrong_username_is_dropped(string receiver, string sender)
        => AssertDropped(Request(isNomination: true, receiver: receiver, sender: sender));

    [Fact]
    public void A_check_is_accepted_before_the_credentials_of_the_peer_are_known()
    {
        _lite.Remote = null;

        Assert.Equal(CheckResult.Nominated, Check(Request(isNomination: true, sender: "any"), _flow, At(0), out _));
    }

    [Theory]
    [InlineData("serverFragmentX")]
    [InlineData("serverFragmen")]
    public void A_check_with_a_wrong_username_is_dropped_before_the_credentials_of_the_peer_are_known(string receiver)
    {
        _lite.Remote = null;

        AssertDropped(Request(isNomination: true, receiver: receiver));
    }

    [Fact]
    public void A_check_without_a_username_is_dropped()
        => AssertDropped(Message(StunClass.Request, (ref StunWriter writer) =>
        {
            writer.AddIntegrity(Encoding.ASCII.GetBytes(Server.Password));
            writer.AddFingerprint();
        }));

    [Fact]
    public void A_check_without_integrity_is_dropped()
        => AssertDropped(Message(StunClass.Request, (ref StunWriter writer) =>
        {
            AddUsername(ref writer);
            writer.AddFingerprint();
        }));

    [Fact]
    public void A_check_without_a_fingerprint_is_dropped()
        => AssertDropped(Message(StunClass.Request, (ref StunWriter writer) =>
        {
            AddUsername(ref writer);
            writer.AddIntegrity(Encoding.ASCII.GetBytes(Server.Password));
        }));

    [Theory]
    [InlineData(StunClass.Indication)]
    [InlineData(StunClass.SuccessResponse)]
    [InlineData(StunClass.ErrorResponse)]
    public void Only_a_request_is_a_check(StunClass @class)
        => AssertDropped(Message(@class, (ref StunWriter writer) =>
        {
            AddUsername(ref writer);
            writer.AddIntegrity(Encoding.ASCII.GetBytes(Server.Password));
            writer.AddFingerprint();
        }));

    [Fact]
    public void A_check_with_a_flipped_bit_or_truncation_is_dropped()
    {
        var request = Request(isNomination: true);
        for (var bit = 0; bit < request.Length * 8; bit++)
        {
            var flipped = request.ToArray();
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            AssertDropped(flipped);
        }

        for (var length = 0; length < request.Length; length++)
            AssertDropped(request[..length]);
    }

    [Fact]
    public void A_controlled_peer_gets_a_role_conflict_error()
    {
        var request = Message(StunClass.Request, (ref StunWriter writer) =>
        {
            AddUsername(ref writer);
            writer.AddIceControlled(0);
            writer.AddUseCandidate();
            writer.AddIntegrity(Encoding.ASCII.GetBytes(Server.Password));
            writer.AddFingerprint();
        });

        Assert.Equal(CheckResult.Answered, Check(request, _flow, At(0), out var length));
        AssertError(487, length);
        Assert.Null(_lite.Selected);
    }

    [Fact]
    public void An_unknown_required_attribute_is_reported()
    {
        var request = WithUnknownAttributes(1);

        Assert.Equal(CheckResult.Answered, Check(request, _flow, At(0), out var length));
        AssertError(420, length);
        Assert.Contains("000a00027f00", Convert.ToHexStringLower(_response.AsSpan(0, length)), StringComparison.Ordinal);
        Assert.Null(_lite.Selected);
    }

    [Fact]
    public void A_response_to_many_unknown_required_attributes_fits_its_buffer()
    {
        Assert.Equal(CheckResult.Answered, Check(WithUnknownAttributes(200), _flow, At(0), out var length));
        AssertError(420, length);
    }

    [Fact]
    public void A_check_allocates_nothing()
    {
        long allocated = 0;
        for (var i = 0; i < 200; i++)
        {
            var request = Request(isNomination: true);
            var before = GC.GetAllocatedBytesForCurrentThread();
            var isRight = StunMessage.TryParse(request, out var message)
                && _lite.Check(message, i % 2 == 0 ? _flow : _other, At(i), _response, out _) == CheckResult.Nominated;
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(isRight);
        }

        Assert.Equal(0, allocated);
    }

    private delegate void Write(ref StunWriter writer);

    private static TimeSpan At(double seconds) => TimeSpan.FromSeconds(seconds);

    private static byte[] TransactionId(int number) => Encoding.ASCII.GetBytes($"{number,12}");

    private static void AddUsername(ref StunWriter writer, string? receiver = null, string? sender = null)
        => writer.AddUsername(
            Encoding.ASCII.GetBytes(receiver ?? Server.UsernameFragment), Encoding.ASCII.GetBytes(sender ?? Device.UsernameFragment));

    private byte[] Message(StunClass @class, Write write)
    {
        var buffer = new byte[StunMessage.MaxLength];
        var writer = new StunWriter(buffer, @class, TransactionId(++_transactions));
        write(ref writer);
        return buffer[..writer.Length];
    }

    private byte[] Request(bool isNomination = false, string? password = null, string? receiver = null, string? sender = null)
        => Message(StunClass.Request, (ref StunWriter writer) =>
        {
            AddUsername(ref writer, receiver, sender);
            writer.AddPriority(1);
            writer.AddIceControlling(1);
            if (isNomination)
                writer.AddUseCandidate();

            writer.AddIntegrity(Encoding.ASCII.GetBytes(password ?? Server.Password));
            writer.AddFingerprint();
        });

    /// <summary>A check with attributes 0x7F00, 0x7F01 and so on.</summary>
    private byte[] WithUnknownAttributes(int count)
    {
        var name = Message(StunClass.Request, (ref StunWriter writer) => AddUsername(ref writer));
        byte[] before = [.. name, .. Enumerable.Range(0, count).SelectMany(i => new byte[] { 0x7f, (byte)i, 0, 0 })];
        var signed = new byte[before.Length + 32];
        before.CopyTo(signed, 0);
        Sign(signed, before.Length);
        return signed;
    }

    private static void Sign(byte[] message, int length)
    {
        void SetLength(int total) => BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(2), (ushort)(total - 20));

        SetLength(length + 24);
        message[length + 1] = 0x08;
        message[length + 3] = 20;
        StunIntegrity.Compute(Encoding.ASCII.GetBytes(Server.Password), message.AsSpan(0, length), message.AsSpan(length + 4, 20));
        SetLength(length + 32);
        byte[] header = [0x80, 0x28, 0, 4];
        header.CopyTo(message, length + 24);
        BinaryPrimitives.WriteUInt32BigEndian(
            message.AsSpan(length + 28), StunFingerprint.Of(message.AsSpan(0, length + 24)));
    }

    private CheckResult Check(byte[] datagram, Flow flow, TimeSpan now, out int length)
    {
        length = 0;
        return StunMessage.TryParse(datagram, out var message)
            ? _lite.Check(message, flow, now, _response, out length)
            : CheckResult.Dropped;
    }

    private void AssertDropped(byte[] datagram)
    {
        Assert.Equal(CheckResult.Dropped, Check(datagram, _flow, At(0), out var length));
        Assert.Equal(0, length);
        Assert.Null(_lite.Selected);
    }

    private void AssertError(int code, int length)
    {
        Assert.True(StunMessage.TryParse(_response.AsSpan(0, length), out var response));
        Assert.Equal(StunClass.ErrorResponse, response.Class);
        Assert.Equal(code, response.ErrorCode);
        Assert.Equal(TransactionId(_transactions), response.TransactionId);
        Assert.True(response.VerifyIntegrity(Encoding.ASCII.GetBytes(Server.Password)));
        Assert.True(response.VerifyFingerprint());
    }
}
