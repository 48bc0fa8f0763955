using System.Net;
using Sessions.Webhooks;

namespace Sessions.Tests.Webhooks;

/// <summary>The addresses to which a webhook may connect, and the URLs that it may have.</summary>
public sealed class AddressTests
{
    [Theory]
    [InlineData(AddressKind.Public, "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0")]
    [InlineData(AddressKind.Public, "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255")]
    [InlineData(AddressKind.Public, "2606:4700::1111", "2a00:1450::1", "2400::", "2001:200::", "2001:4860::8888")]
    [InlineData(AddressKind.Private, "10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255", "100.64.0.0", "100.127.255.255")]
    [InlineData(AddressKind.Private, "fc00::", "fd12:3456::1", "fdff:ffff::")]
    [InlineData(AddressKind.Loopback, "127.0.0.0", "127.0.0.1", "127.255.255.255", "::1")]
    [InlineData(AddressKind.Unusable, "0.0.0.0", "0.1.2.3", "169.254.0.0", "169.254.169.254", "169.254.255.255", "168.63.129.16", "100.100.100.200", "192.0.0.192")]
    [InlineData(AddressKind.Unusable, "192.0.2.1", "198.51.100.1", "203.0.113.1", "192.88.99.1", "198.18.0.0", "198.19.255.255", "224.0.0.1", "239.255.255.255", "240.0.0.0", "255.255.255.255")]
    [InlineData(AddressKind.Unusable, "::", "::2", "fe80::1", "fe80::1%1", "febf::1", "fec0::1", "ff00::", "ff02::1", "ffff::", "100::1", "5f00::1", "4000::", "1fff:ffff::")]
    [InlineData(AddressKind.Unusable, "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:2::1", "2001:20::1", "2001:1ff::", "2001:db8::1", "3fff::1", "3fff:fff::")]
    [InlineData(AddressKind.Unusable, "fd00:ec2::254", "fd20:ce::254", "64:ff9b:1::1", "64:ff9b:1:ffff::8.8.8.8", "::8.8.8.8", "::ffff:0:8.8.8.8")]
    [InlineData(AddressKind.Public, "::ffff:1.1.1.1", "64:ff9b::8.8.8.8", "2002:808:808::1")]
    [InlineData(AddressKind.Private, "::ffff:10.0.0.1", "::ffff:192.168.1.1", "64:ff9b::10.0.0.1", "2002:a00:1::1", "2002:c0a8:101::")]
    [InlineData(AddressKind.Loopback, "::ffff:127.0.0.1", "64:ff9b::127.0.0.1", "2002:7f00:1::")]
    [InlineData(AddressKind.Unusable, "::ffff:169.254.169.254", "::ffff:0.0.0.0", "64:ff9b::169.254.169.254", "64:ff9b::", "2002:a9fe:a9fe::1", "2002:e000:1::")]
    public void Every_address_is_classified_according_to_the_IANA_registries(AddressKind kind, params string[] addresses)
        => Assert.All(addresses, address => Assert.Equal(kind, Addresses.KindOf(IPAddress.Parse(address))));

    [Theory]
    [InlineData("1.1.1.1", true, true, true)]
    [InlineData("10.0.0.1", false, false, true)]
    [InlineData("fd12:3456::1", false, false, true)]
    [InlineData("127.0.0.1", false, true, true)]
    [InlineData("::ffff:127.0.0.1", false, true, true)]
    [InlineData("169.254.169.254", false, false, false)]
    [InlineData("0.0.0.0", false, false, false)]
    [InlineData("ff02::1", false, false, false)]
    public void Settings_can_allow_only_loopback_and_private_networks(string text, bool strict, bool local, bool all)
    {
        var address = IPAddress.Parse(text);

        Assert.Equal(
            (strict, local, all),
            (WebhookOptions.Strict.Allows(address), WebhookOptions.Local.Allows(address), new WebhookOptions(true, true, true).Allows(address)));
    }

    [Theory]
    [InlineData("https://example.com/hook?key=1", true, true)]
    [InlineData("https://example.com:8443", true, true)]
    [InlineData("https://bücher.example/ä", true, true)]
    [InlineData("https://1.1.1.1/", true, true)]
    [InlineData("https://[2606:4700::1111]/", true, true)]
    [InlineData("http://example.com", false, true)]
    [InlineData("http://127.0.0.1:7071/", false, true)]
    [InlineData("https://127.0.0.1/", false, true)]
    [InlineData("https://2130706433/", false, true)]
    [InlineData("https://0x7f.1/", false, true)]
    [InlineData("https://[::1]/", false, true)]
    [InlineData("https://[::ffff:127.0.0.1]/", false, true)]
    [InlineData("https://10.1.2.3/", false, false)]
    [InlineData("https://0.0.0.0/", false, false)]
    [InlineData("https://169.254.169.254/latest/meta-data", false, false)]
    [InlineData("https://[fe80::1]/", false, false)]
    [InlineData("https://[64:ff9b::a00:1]/", false, false)]
    [InlineData("https://user@example.com/", false, false)]
    [InlineData("https://user:secret@example.com/", false, false)]
    [InlineData("https://example.com/#part", false, false)]
    [InlineData("https://example.com/#", false, false)]
    [InlineData("ftp://example.com/", false, false)]
    [InlineData("file:///etc/passwd", false, false)]
    [InlineData("gopher://example.com/", false, false)]
    [InlineData("/hook", false, false)]
    [InlineData("example.com", false, false)]
    [InlineData("https://", false, false)]
    [InlineData("", false, false)]
    public void A_URL_that_delivery_would_reject_is_reported_as_invalid(string url, bool strict, bool local)
    {
        Assert.Equal((strict, local), (WebhookUrl.FindMistake(url, WebhookOptions.Strict) is null, WebhookUrl.FindMistake(url, WebhookOptions.Local) is null));
    }

    [Fact]
    public void A_URL_over_2000_characters_is_invalid()
    {
        const string Start = "https://example.com/";

        Assert.Null(WebhookUrl.FindMistake(Start.PadRight(2_000, 'x'), WebhookOptions.Strict));
        Assert.NotNull(WebhookUrl.FindMistake(Start.PadRight(2_001, 'x'), WebhookOptions.Strict));
    }

    [Theory]
    [InlineData(true, "1.1.1.1")]
    [InlineData(true, "10.0.0.1", "1.1.1.1")]
    [InlineData(false, "10.0.0.1")]
    [InlineData(false, "127.0.0.1", "::1")]
    [InlineData(false, "169.254.169.254")]
    [InlineData(false, "::ffff:10.0.0.1", "fd00::1")]
    public async Task A_host_name_without_an_allowed_address_is_rejected(bool isAllowed, params string[] addresses)
    {
        var mistake = await WebhookUrl.FindMistakeAsync(
            "https://hooks.example.com/", WebhookOptions.Strict, (_, _) => Task.FromResult(addresses.Select(IPAddress.Parse).ToArray()), CancellationToken.None);

        Assert.Equal(isAllowed ? null : "hooks.example.com has no public address, and webhooks are sent only to public addresses.", mistake);
    }

    [Fact]
    public async Task A_host_name_that_is_not_found_is_accepted()
        => Assert.Null(await WebhookUrl.FindMistakeAsync(
            "https://hooks.example.com/",
            WebhookOptions.Strict,
            (_, _) => throw new System.Net.Sockets.SocketException((int)System.Net.Sockets.SocketError.HostNotFound),
            CancellationToken.None));
}
