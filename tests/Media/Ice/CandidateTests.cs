using System.Net;
using Sessions.Media.Ice;

namespace Sessions.Tests.Media.Ice;

public sealed class CandidateTests
{
    private static readonly IPEndPoint Ipv4 = new(IPAddress.Parse("192.0.2.1"), 7072);
    private static readonly IPEndPoint Ipv6 = new(IPAddress.Parse("2001:db8::1"), 7072);

    [Fact]
    public void A_UDP_host_candidate_is_formatted()
        => Assert.Equal(
            "00 1 udp 2130706431 192.0.2.1 7072 typ host", Candidate.Host(Ipv4, CandidateTransport.Udp, 0).ToString());

    [Fact]
    public void A_passive_TCP_host_candidate_is_formatted()
        => Assert.Equal(
            $"21 1 tcp {(126 << 24) + ((4 << 13) + 8191 - 1 << 8) + 255} 2001:db8::1 7072 typ host tcptype passive",
            Candidate.Host(Ipv6, CandidateTransport.TcpPassive, 1).ToString());

    [Theory]
    [InlineData(CandidateTransport.Udp)]
    [InlineData(CandidateTransport.TcpPassive)]
    [InlineData(CandidateTransport.TcpActive)]
    [InlineData(CandidateTransport.TcpSimultaneousOpen)]
    public void A_formatted_candidate_is_parsed_to_the_same_value(CandidateTransport transport)
    {
        var candidate = Candidate.Host(Ipv6, transport, 3);

        Assert.True(Candidate.TryParse(candidate.ToString(), out var read));
        Assert.Equal(candidate, read);
        Assert.Equal(Ipv6, read!.EndPoint);
    }

    [Fact]
    public void UDP_has_priority_over_TCP_and_each_address_over_the_next()
    {
        uint[] priorities =
        [
            Candidate.Host(Ipv4, CandidateTransport.Udp, 0).Priority,
            Candidate.Host(Ipv6, CandidateTransport.Udp, 1).Priority,
            Candidate.Host(Ipv4, CandidateTransport.TcpPassive, 0).Priority,
            Candidate.Host(Ipv6, CandidateTransport.TcpPassive, 1).Priority,
        ];

        Assert.Equal(priorities.OrderDescending(), priorities);
        Assert.Distinct(priorities);
    }

    [Fact]
    public void Foundations_differ_by_address_and_by_transport()
        => Assert.Distinct(
            [
                Candidate.Host(Ipv4, CandidateTransport.Udp, 0).Foundation,
                Candidate.Host(Ipv6, CandidateTransport.Udp, 1).Foundation,
                Candidate.Host(Ipv4, CandidateTransport.TcpPassive, 0).Foundation,
                Candidate.Host(Ipv6, CandidateTransport.TcpPassive, 1).Foundation,
            ]);

    [Fact]
    public void A_browser_candidate_with_an_mDNS_name_is_parsed()
    {
        const string Value =
            "842163049 1 UDP 1677729535 5f2c8e12-aaaa-4bbb-8ccc-0123456789ab.local 46154 typ srflx raddr 0.0.0.0 rport 0 "
            + "generation 0 ufrag x network-cost 999";

        Assert.True(Candidate.TryParse(Value, out var candidate));
        Assert.Equal(
            new(
                "842163049",
                1,
                CandidateTransport.Udp,
                1677729535,
                "5f2c8e12-aaaa-4bbb-8ccc-0123456789ab.local",
                46154,
                CandidateType.ServerReflexive),
            candidate);
        Assert.Null(candidate!.EndPoint);
    }

    [Fact]
    public void The_TCP_type_is_found_after_other_extensions()
    {
        Assert.True(Candidate.TryParse("1 1 tcp 5 192.0.2.1 9 typ host generation 0 tcptype active", out var candidate));
        Assert.Equal(CandidateTransport.TcpActive, candidate!.Transport);
    }

    [Theory]
    [InlineData("")]
    [InlineData("1 1 udp 5 192.0.2.1 9 typ")]
    [InlineData("1 0 udp 5 192.0.2.1 9 typ host")]
    [InlineData("1 257 udp 5 192.0.2.1 9 typ host")]
    [InlineData("1 1 sctp 5 192.0.2.1 9 typ host")]
    [InlineData("1 1 udp 4294967296 192.0.2.1 9 typ host")]
    [InlineData("1 1 udp -5 192.0.2.1 9 typ host")]
    [InlineData("1 1 udp 5 192.0.2.1 65536 typ host")]
    [InlineData("1 1 udp 5 192.0.2.1 9 type host")]
    [InlineData("1 1 udp 5 192.0.2.1 9 typ other")]
    [InlineData("1 1 tcp 5 192.0.2.1 9 typ host")]
    [InlineData("1 1 tcp 5 192.0.2.1 9 typ host tcptype")]
    [InlineData("1 1 tcp 5 192.0.2.1 9 typ host tcptype other")]
    [InlineData("123456789012345678901234567890123 1 udp 5 192.0.2.1 9 typ host")]
    public void A_malformed_candidate_is_rejected(string value)
    {
        Assert.False(Candidate.TryParse(value, out var candidate));
        Assert.Null(candidate);
    }
}
