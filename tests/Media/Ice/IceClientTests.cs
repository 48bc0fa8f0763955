using System.Buffers.Binary;
using System.Text;
using Sessions.Media.Ice;
using Sessions.Media.Stun;

namespace Sessions.Tests.Media.Ice;

public sealed class IceClientTests
{
    private const int Seeds = 300;

    private readonly IceExchange _exchange = new();

    [Fact]
    public void A_working_flow_is_checked_nominated_and_selected_by_both_agents()
    {
        var flow = _exchange.AddFlow(1);
        _exchange.Run(1);

        Assert.Same(flow, _exchange.Client.Selected);
        Assert.Same(_exchange.AtServer(flow), _exchange.Lite.Selected);
        Assert.Equal([false, true], _exchange.Sent.Select(sent => Parse(sent.Request).UseCandidate));
    }

    [Fact]
    public void A_check_contains_the_attributes_of_a_controlling_agent()
    {
        _exchange.AddFlow(1);
        _exchange.Run(1);
        var check = Parse(_exchange.Sent[0].Request);

        Assert.Equal(StunClass.Request, check.Class);
        Assert.True(check.IsBinding);
        Assert.True(check.TryGetUsername(out var username));
        Assert.Equal(
            $"{_exchange.Lite.Local.UsernameFragment}:{_exchange.Client.Local.UsernameFragment}", Encoding.ASCII.GetString(username));
        Assert.NotNull(check.IceControlling);
        Assert.NotNull(check.Priority);
        Assert.False(check.HasUnknownRequiredAttribute);
    }

    [Fact]
    public void The_best_flow_is_selected_regardless_of_the_order_of_adding()
    {
        _exchange.AddFlow(1);
        var best = _exchange.AddFlow(3);
        _exchange.AddFlow(2);
        _exchange.Run(3);

        Assert.Same(best, _exchange.Client.Selected);
        Assert.Same(_exchange.AtServer(best), _exchange.Lite.Selected);
    }

    [Fact]
    public void First_checks_of_flows_are_50_ms_apart()
    {
        for (uint i = 0; i < 5; i++)
            _exchange.Blocked.Add(_exchange.AddFlow(i));

        _exchange.Run(0.4);

        Assert.Equal([0, 50, 100, 150, 200], _exchange.Sent.Select(sent => sent.Time.TotalMilliseconds));
        Assert.Distinct(_exchange.Sent.Select(sent => sent.Flow));
    }

    [Fact]
    public void A_check_is_retransmitted_after_doubling_intervals()
    {
        _exchange.Blocked.Add(_exchange.AddFlow(1));
        _exchange.Run(100);

        Assert.Equal([0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5], _exchange.Sent.Select(sent => sent.Time.TotalSeconds));
        Assert.All(_exchange.Sent, sent => Assert.Equal(_exchange.Sent[0].Request, sent.Request));
        Assert.Null(_exchange.Client.Deadline);
    }

    [Fact]
    public void A_check_over_TCP_is_sent_once()
    {
        _exchange.Blocked.Add(_exchange.AddFlow(1, isTcp: true));
        _exchange.Run(100);

        Assert.Single(_exchange.Sent);
        Assert.Null(_exchange.Client.Deadline);
    }

    [Fact]
    public void A_better_flow_without_a_response_delays_the_selection_by_half_a_second()
    {
        _exchange.Blocked.Add(_exchange.AddFlow(2));
        var works = _exchange.AddFlow(1, isTcp: true);
        _exchange.Run(10, () => _exchange.Client.Selected is not null);

        Assert.Same(works, _exchange.Client.Selected);
        Assert.InRange(_exchange.Now.TotalSeconds, 0.5, 0.7);
    }

    [Fact]
    public void A_better_flow_that_is_added_later_replaces_the_selected_one()
    {
        var first = _exchange.AddFlow(1);
        _exchange.Run(10);
        Assert.Same(first, _exchange.Client.Selected);
        var second = _exchange.AddFlow(2);
        _exchange.Run(20);

        Assert.Same(second, _exchange.Client.Selected);
        Assert.Same(_exchange.AtServer(second), _exchange.Lite.Selected);
    }

    [Fact]
    public void A_better_flow_is_selected_while_the_nomination_of_another_gets_no_response()
    {
        var former = _exchange.AddFlow(1);
        _exchange.Run(1, () => _exchange.Sent.Count == 2);
        Assert.True(Parse(_exchange.Sent[1].Request).UseCandidate);
        _exchange.Blocked.Add(former);
        var better = _exchange.AddFlow(2);

        _exchange.Run(2);

        Assert.Same(better, _exchange.Client.Selected);
        Assert.Same(_exchange.AtServer(better), _exchange.Lite.Selected);
    }

    [Fact]
    public void Only_one_of_two_equal_flows_is_nominated()
    {
        _exchange.AddFlow(1);
        _exchange.AddFlow(1);
        _exchange.Run(3);

        Assert.Single(_exchange.Sent, sent => Parse(sent.Request).UseCandidate);
    }

    [Fact]
    public void Only_the_first_consent_check_repeats_the_nomination()
    {
        _exchange.AddFlow(1);
        _exchange.Run(120);

        Assert.Equal([false, true, true, false], _exchange.Sent.Take(4).Select(sent => Parse(sent.Request).UseCandidate));
        Assert.Equal(2, _exchange.Sent.Count(sent => Parse(sent.Request).UseCandidate));
    }

    [Fact]
    public void A_worse_flow_that_is_added_later_is_not_checked()
    {
        _exchange.AddFlow(2);
        _exchange.Run(1);
        var worse = _exchange.AddFlow(1);
        _exchange.Run(20);

        Assert.DoesNotContain(_exchange.Sent, sent => sent.Flow == worse);
    }

    [Fact]
    public void Consent_is_refreshed_every_4_to_6_seconds()
    {
        _exchange.AddFlow(1);
        _exchange.Run(1);
        var nominated = _exchange.Sent.Count;
        _exchange.Run(300);
        var times = _exchange.Sent.Skip(nominated).Select(sent => sent.Time.TotalSeconds).ToList();

        Assert.InRange(times.Count, 299 / 6, 299 / 4);
        Assert.All(times.Zip(times.Skip(1)), pair => Assert.InRange(pair.Second - pair.First, 4, 6));
        Assert.Distinct(_exchange.Sent.Skip(nominated).Select(sent => Convert.ToHexString(Parse(sent.Request).TransactionId)));
        Assert.False(_exchange.Client.HasFailed(_exchange.Now));
        Assert.False(_exchange.Lite.IsConsentExpired(_exchange.Now));
    }

    [Fact]
    public void Both_agents_detect_a_lost_path_within_30_seconds()
    {
        var flow = _exchange.AddFlow(1);
        _exchange.Run(100);
        _exchange.Blocked.Add(flow);
        _exchange.Run(123);
        Assert.False(_exchange.Client.HasFailed(_exchange.Now));
        Assert.False(_exchange.Lite.IsConsentExpired(_exchange.Now));
        _exchange.Run(130);

        Assert.True(_exchange.Client.HasFailed(_exchange.Now));
        Assert.True(_exchange.Lite.IsConsentExpired(_exchange.Now));
    }

    [Fact]
    public void A_response_over_an_unselected_flow_does_not_refresh_consent()
    {
        var selected = _exchange.AddFlow(1);
        _exchange.Run(10);
        _exchange.Blocked.Add(selected);
        _exchange.Run(30);
        var other = _exchange.AddFlow(2);
        _exchange.Run(31, () => _exchange.Sent.Any(sent => sent.Flow == other && Parse(sent.Request).UseCandidate));
        _exchange.Blocked.Add(other);
        _exchange.Run(41);

        Assert.True(_exchange.Client.HasFailed(_exchange.Now));
    }

    [Fact]
    public void A_repeated_response_does_not_refresh_consent()
    {
        var flow = _exchange.AddFlow(1);
        byte[] last = [];
        _exchange.Response = response => last = response;
        _exchange.Run(20);
        var (sent, _, _) = _exchange.Sent[^1];
        var roundTrip = 2 * _exchange.MaxDelay;
        Assert.True(_exchange.Now > sent + roundTrip);
        _exchange.Client.Receive(Parse(last), flow, _exchange.Now);

        Assert.True(_exchange.Client.HasFailed(sent + roundTrip + IceLite.ConsentLifetime));
    }

    [Fact]
    public void Without_a_working_flow_the_agent_fails_after_30_seconds()
    {
        _exchange.Blocked.Add(_exchange.AddFlow(1));
        _exchange.Run(29.9);
        Assert.False(_exchange.Client.HasFailed(_exchange.Now));
        _exchange.Run(30);

        Assert.True(_exchange.Client.HasFailed(_exchange.Now));
    }

    [Fact]
    public void Without_a_flow_the_agent_has_no_deadline()
    {
        Assert.Null(_exchange.Client.Deadline);
        Assert.False(_exchange.Client.HasFailed(TimeSpan.FromSeconds(100)));
    }

    [Fact]
    public void Forged_responses_are_ignored()
    {
        _exchange.AddFlow(1);
        _exchange.Response = response =>
        {
            response[^12] ^= 1; // the integrity
            return WithFingerprint(response);
        };
        _exchange.Run(20);

        Assert.Null(_exchange.Client.Selected);
    }

    [Fact]
    public void Responses_to_another_request_are_ignored()
    {
        _exchange.AddFlow(1);
        _exchange.Response = _ => Response(new byte[12], _exchange.Lite.Local, isError: false);
        _exchange.Run(20);

        Assert.Null(_exchange.Client.Selected);
    }

    [Fact]
    public void A_response_over_another_flow_is_ignored()
    {
        var flow = _exchange.AddFlow(2);
        var other = _exchange.AddFlow(1);
        byte[]? response = null;
        _exchange.Blocked.Add(other);
        _exchange.Response = received =>
        {
            response = received;
            return null;
        };
        _exchange.Run(0.2);
        Assert.NotNull(response);
        _exchange.Client.Receive(Parse(response), other, _exchange.Now);
        _exchange.Run(0.3);
        Assert.DoesNotContain(_exchange.Sent, sent => Parse(sent.Request).UseCandidate);
        _exchange.Client.Receive(Parse(response), flow, _exchange.Now);
        _exchange.Run(0.4);

        Assert.Contains(_exchange.Sent, sent => Parse(sent.Request).UseCandidate);
    }

    [Fact]
    public void A_check_answered_with_an_error_is_not_retransmitted()
    {
        _exchange.AddFlow(1);
        _exchange.Response = response => Response(Parse(response).TransactionId.ToArray(), _exchange.Lite.Local, isError: true);
        _exchange.Run(20);

        Assert.Single(_exchange.Sent);
        Assert.Null(_exchange.Client.Selected);
        Assert.Null(_exchange.Client.Deadline);
    }

    [Fact]
    public void Both_agents_select_the_same_flow_and_keep_it_over_a_lossy_network()
    {
        for (var seed = 0; seed < Seeds; seed++)
        {
            var exchange = new IceExchange(seed)
            {
                Loss = 0.2,
                Duplication = 0.2,
                MaxDelay = TimeSpan.FromMilliseconds(1 + seed % 200),
            };
            exchange.AddFlow(1, isTcp: seed % 3 == 0);
            exchange.AddFlow(3);
            exchange.Blocked.Add(exchange.AddFlow(4));
            exchange.AddFlow(2);
            exchange.Run(29.9, () => exchange.Client.Selected is not null);
            Assert.True(exchange.Client.Selected is not null, $"Seed {seed} selects nothing.");

            exchange.Loss = 0.1;
            for (var second = exchange.Now.TotalSeconds; second < 300; second++)
            {
                exchange.Run(second);
                Assert.False(exchange.Client.HasFailed(exchange.Now), $"Seed {seed} fails at {exchange.Now}.");
                Assert.False(exchange.Lite.IsConsentExpired(exchange.Now), $"Seed {seed} loses consent at {exchange.Now}.");
            }

            Assert.Same(exchange.AtServer(exchange.Client.Selected), exchange.Lite.Selected);
        }
    }

    private static StunMessage Parse(byte[] datagram)
    {
        Assert.True(StunMessage.TryParse(datagram, out var message));
        return message;
    }

    private static byte[] Response(byte[] transactionId, IceCredentials credentials, bool isError)
    {
        var buffer = new byte[128];
        var writer = new StunWriter(buffer, isError ? StunClass.ErrorResponse : StunClass.SuccessResponse, transactionId);
        if (isError)
            writer.AddErrorCode(400, default);

        writer.AddIntegrity(Encoding.ASCII.GetBytes(credentials.Password));
        writer.AddFingerprint();
        return buffer[..writer.Length];
    }

    private static byte[] WithFingerprint(byte[] message)
    {
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan()[^4..], StunFingerprint.Of(message.AsSpan()[..^8]));
        return message;
    }
}
