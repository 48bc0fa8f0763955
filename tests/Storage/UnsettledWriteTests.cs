using Azure;
using Sessions.Model;
using Sessions.Storage;
using Sessions.Tests.Simulation;

namespace Sessions.Tests;

/// <summary>
/// Writes that get no response or conflict with another change, once or repeatedly, and together with the expiry of the resource.
/// </summary>
public abstract class UnsettledWriteTests : StorageFaultTests
{
    private static readonly Subscriptions ToOne = new(null, [new($"{Guid.Empty}", null)]);
    private static readonly Subscriptions ToNobody = Subscriptions.None;

    private readonly QuickTime _time = new();

    protected UnsettledWriteTests() => Time = _time;

    private static Func<TableCall, Task<TableAnswer>> Lost => _ => Task.FromResult(TableAnswer.Lost);

    private Func<TableCall, Task<TableAnswer>> DoneButLost => call => Task.FromResult(Scripted.DoneBut(TableAnswer.Lost)(call));

    public sealed class CreatingWithAKey : UnsettledWriteTests
    {
        [Fact]
        public async Task Stores_the_key_for_its_configured_lifetime()
        {
            await CreateAsync();

            var columns = Assert.Single(Scripted.WritesTo(Header)).Changes.Select(change => change.Columns!).ToArray();
            Assert.Equal(Options.IdempotencyKeyLifetime, columns[1].GetDateTimeOffset("Expires") - columns[0].GetDateTimeOffset("Created"));
        }

        [Fact]
        public async Task Succeeds_if_only_the_response_was_lost()
        {
            Scripted.Answer(Header, DoneButLost);

            Assert.Equal(Outcome.Done, await CreateAsync());
            Assert.Single(IndexRows());
        }

        [Fact]
        public async Task Succeeds_if_responses_were_lost_more_than_once()
        {
            Scripted.Answer(Header, Lost, DoneButLost);

            Assert.Equal(Outcome.Done, await CreateAsync());
            Assert.Single(IndexRows());
        }

        [Fact]
        public async Task Leaves_the_index_row_to_the_request_that_was_first()
        {
            Scripted.Answer(Header, Lost, async call =>
            {
                await CreateAsync();
                return Scripted.Do(call);
            });

            Assert.Equal(Outcome.Done, await CreateAsync());
            Assert.Single(IndexRows());
        }

        [Fact]
        public async Task Returns_unavailable_if_its_lost_write_may_be_applied_after_the_expired_marker_is_deleted()
        {
            await CreateAsync();
            _time.Advance(Options.IdempotencyKeyLifetime);
            Scripted.Answer(Header, Lost);

            await IsUnavailableAsync(CreateAsync);
        }

        [Fact]
        public async Task Returns_unavailable_if_the_marker_that_blocks_its_lost_write_expires_at_this_moment()
        {
            _time.Stop();
            await CreateAsync();
            _time.Advance(Options.IdempotencyKeyLifetime);
            Scripted.Answer(Header, Lost);

            await IsUnavailableAsync(CreateAsync);
        }

        [Fact]
        public async Task Counts_as_a_repeated_request_until_the_resource_expires()
        {
            _time.Stop();
            await CreateAsync();
            _time.Advance(Options.SessionLifetime - TimeSpan.FromTicks(1));
            Scripted.Answer(Header, Lost);

            Assert.Equal(Outcome.Done, await CreateAsync());
        }

        [Fact]
        public async Task Is_rejected_if_the_key_was_used_with_another_body()
        {
            await CreateAsync();

            Assert.Equal(Outcome.IdempotencyKeyReused, await CreateAsync("another tag"));
        }

        [Fact]
        public async Task Fails_if_storage_stays_busy()
        {
            Scripted.Answer(Header, AlwaysBusy);

            await IsUnavailableAsync(CreateAsync);
        }

        [Fact]
        public async Task Fails_if_the_index_stays_busy()
        {
            Scripted.Answer(ScriptedTables.AnyIndexRow, AlwaysBusy);

            await IsUnavailableAsync(CreateAsync);
        }

        private Task<Outcome> CreateAsync() => CreateAsync("tag");

        private async Task<Outcome> CreateAsync(string tag)
            => (await Sessions.CreateAsync(Account, new(tag), "key", CancellationToken.None)).Outcome;

        private IEnumerable<TableCall> IndexRows() => Scripted.Writes.Where(write => Keys.IsIndex(write.PartitionKey));
    }

    public sealed class Joining : UnsettledWriteTests
    {
        [Fact]
        public async Task Returns_no_session_if_the_session_was_deleted_meanwhile()
        {
            var (session, participant) = (await NewSessionAsync(), await NewParticipantAsync());
            Scripted.Answer(Header, async call =>
            {
                await DeleteSessionAsync(session);
                return Scripted.Do(call);
            });

            Assert.Equal(Outcome.NoSession, await JoinAsync(session, participant));
        }

        [Fact]
        public async Task Returns_unavailable_if_the_session_expired_before_its_insert_was_settled()
        {
            var (session, participant) = (await NewSessionAsync(), await NewParticipantAsync());
            Scripted.Answer(Header, call =>
            {
                _time.Advance(Options.SessionLifetime);
                return TableAnswer.Lost;
            });

            await IsUnavailableAsync(() => JoinAsync(session, participant));
        }

        [Fact]
        public async Task Returns_unavailable_if_the_claim_conflicted_before_its_insert_was_settled()
        {
            var (session, participant) = (await NewSessionAsync(), await NewParticipantAsync());
            Scripted.Answer(Header, Lost);
            Scripted.Answer(ParticipantRow, Scripted.Do, Scripted.Overtaken);

            await IsUnavailableAsync(() => JoinAsync(session, participant));
        }

        [Fact]
        public async Task Inserts_again_after_a_lost_call_without_effect()
        {
            var (session, participant) = (await NewSessionAsync(), await NewParticipantAsync());
            Scripted.Answer(Header, Lost);

            Assert.Equal(Outcome.Done, await JoinAsync(session, participant));
        }

        [Fact]
        public async Task Returns_unavailable_if_another_change_preceded_settling_its_lost_call()
        {
            var (session, participant) = (await NewSessionAsync(), await NewParticipantAsync());
            Scripted.Answer(Header, async _ =>
            {
                Assert.Equal(Outcome.Done, await JoinAsync(session, await NewParticipantAsync()));
                return TableAnswer.Lost;
            });

            await IsUnavailableAsync(() => JoinAsync(session, participant));
        }

        [Fact]
        public async Task Succeeds_if_its_lost_call_is_applied_before_its_next_one()
        {
            var (session, participant) = (await NewSessionAsync(), await NewParticipantAsync());
            TableCall? lost = null;
            Scripted.Answer(
                Header,
                call =>
                {
                    lost = call;
                    return Task.FromResult(TableAnswer.Lost);
                },
                call =>
                {
                    Assert.True(Scripted.Do(lost!).Succeeded);
                    return Task.FromResult(Scripted.Do(call));
                });

            Assert.Equal(Outcome.Done, await JoinAsync(session, participant));
        }

        [Fact]
        public async Task Does_not_insert_again_if_another_request_may_have_removed_it_after_two_lost_calls()
        {
            var (session, participant) = (await NewSessionAsync(), await NewParticipantAsync());
            Scripted.Answer(Header, Lost, async call =>
            {
                Assert.True(Scripted.Do(call).Succeeded);
                await LeaveAsync(session, participant);
                return TableAnswer.Lost;
            });

            await IsUnavailableAsync(() => JoinAsync(session, participant));
        }

        [Fact]
        public async Task Fails_if_the_session_stays_busy()
        {
            var (session, participant) = (await NewSessionAsync(), await NewParticipantAsync());
            Scripted.Answer(Header, AlwaysBusy);

            await IsUnavailableAsync(() => JoinAsync(session, participant));
        }

        [Fact]
        public async Task Fails_if_the_claimed_session_stays_busy()
        {
            var (claimed, participant) = await NewStaleClaimAsync();
            var session = await NewSessionAsync();
            Scripted.Answer(Header, AlwaysBusy);

            await IsUnavailableAsync(() => JoinAsync(session, participant));
            Assert.All(Scripted.WritesTo(Header).TakeLast(10), write => Assert.Equal($"{Account}:{claimed}", write.PartitionKey));
        }

        [Fact]
        public async Task Ignores_a_claim_on_a_deleted_session()
        {
            var (claimed, participant) = await NewMemberAsync();
            await DeleteSessionAsync(claimed);

            Assert.Equal(Outcome.Done, await JoinAsync(await NewSessionAsync(), participant));
        }
    }

    public sealed class Leaving : UnsettledWriteTests
    {
        [Fact]
        public async Task Evaluates_its_condition_again_if_the_subscriptions_changed_meanwhile()
        {
            var (session, participant) = await NewMemberAsync();
            var condition = await ConditionAsync(participant);
            Scripted.Answer(Header, async call =>
            {
                await UpdateAsync(session, participant, ToOne);
                return Scripted.Do(call);
            });

            Assert.Equal(Outcome.PreconditionFailed, await LeaveAsync(session, participant, condition));
        }

        [Fact]
        public async Task Returns_unavailable_if_the_subscriptions_changed_before_its_removal_was_settled()
        {
            var (session, participant) = await NewMemberAsync();
            var condition = await ConditionAsync(participant);
            Scripted.Answer(Header, async _ =>
            {
                await UpdateAsync(session, participant, ToOne);
                return TableAnswer.Lost;
            });

            await IsUnavailableAsync(() => LeaveAsync(session, participant, condition));
        }

        [Fact]
        public async Task Removes_again_after_a_lost_call_without_effect()
        {
            var (session, participant) = await NewMemberAsync();
            Scripted.Answer(Header, Lost);

            Assert.Equal(Outcome.Done, await LeaveAsync(session, participant, await ConditionAsync(participant)));
        }

        [Fact]
        public async Task Returns_unavailable_if_the_participant_may_have_joined_again()
        {
            var (session, participant) = await NewMemberAsync();
            Scripted.Answer(Header, async call =>
            {
                Assert.True(Scripted.Do(call).Succeeded);
                Assert.Equal(Outcome.Done, await JoinAsync(session, participant));
                return TableAnswer.Lost;
            });

            await IsUnavailableAsync(() => LeaveAsync(session, participant));
        }

        [Fact]
        public async Task Returns_no_session_if_the_session_was_deleted_meanwhile()
        {
            var (session, participant) = await NewMemberAsync();
            Scripted.Answer(Header, async call =>
            {
                await DeleteSessionAsync(session);
                return Scripted.Do(call);
            });

            Assert.Equal(Outcome.NoSession, await LeaveAsync(session, participant));
        }

        [Fact]
        public async Task Succeeds_if_the_session_was_deleted_after_lost_calls_that_may_have_removed_the_participant()
        {
            var (session, participant) = await NewMemberAsync();
            Scripted.Answer(Header, Lost, async _ =>
            {
                await DeleteSessionAsync(session);
                return TableAnswer.Lost;
            });

            Assert.Equal(Outcome.Done, await LeaveAsync(session, participant));
        }

        [Fact]
        public async Task Fails_if_the_session_stays_busy()
        {
            var (session, participant) = await NewMemberAsync();
            Scripted.Answer(Header, AlwaysBusy);

            await IsUnavailableAsync(() => LeaveAsync(session, participant));
        }
    }

    public sealed class DeletingTheParticipant : UnsettledWriteTests
    {
        [Fact]
        public async Task Completes_the_deletion_if_only_the_leave_was_applied_at_first()
        {
            var (_, participant) = await NewMemberAsync();
            Scripted.Answer(ParticipantRow, AlwaysBusy.Take(1));

            Assert.Equal(Outcome.Done, await DeleteAsync(participant, await ConditionAsync(participant)));
        }

        [Fact]
        public async Task Evaluates_its_condition_again_if_a_participant_in_no_session_joined_meanwhile()
        {
            var participant = await NewParticipantAsync();
            var condition = await ConditionAsync(participant);
            var session = await NewSessionAsync();
            Scripted.Answer(ParticipantRow, async call =>
            {
                Assert.Equal(Outcome.Done, await JoinAsync(session, participant));
                return Scripted.Do(call);
            });

            Assert.Equal(Outcome.PreconditionFailed, await DeleteAsync(participant, condition));
        }

        [Fact]
        public async Task Evaluates_its_condition_again_if_a_participant_with_a_stale_claim_joined_meanwhile()
        {
            var (_, participant) = await NewStaleClaimAsync();
            var condition = await ConditionAsync(participant);
            var session = await NewSessionAsync();
            Scripted.Answer(ParticipantRow, async call =>
            {
                Assert.Equal(Outcome.Done, await JoinAsync(session, participant));
                return Scripted.Do(call);
            });

            Assert.Equal(Outcome.PreconditionFailed, await DeleteAsync(participant, condition));
        }

        [Fact]
        public async Task Succeeds_if_one_of_its_lost_calls_may_have_deleted_the_participant()
        {
            var participant = await NewParticipantAsync();
            Scripted.Answer(ParticipantRow, Lost, DoneButLost);

            Assert.Equal(Outcome.Done, await DeleteAsync(participant, Precondition.None));
        }

        [Fact]
        public async Task Fails_if_storage_stays_busy()
        {
            var participant = await NewParticipantAsync();
            Scripted.Answer(ParticipantRow, AlwaysBusy);

            await IsUnavailableAsync(() => DeleteAsync(participant, Precondition.None));
        }

        [Fact]
        public async Task Fails_if_the_claimed_session_stays_busy()
        {
            var (_, participant) = await NewStaleClaimAsync();
            Scripted.Answer(Header, AlwaysBusy);

            await IsUnavailableAsync(() => DeleteAsync(participant, Precondition.None));
        }

        private Task<Outcome> DeleteAsync(ParticipantId participant, Precondition precondition)
            => Memberships.DeleteParticipantAsync(Account, participant, precondition, CancellationToken.None);
    }

    public sealed class DeletingTheSession : UnsettledWriteTests
    {
        [Fact]
        public async Task Succeeds_if_one_of_its_lost_calls_may_have_deleted_the_session()
        {
            var session = await NewSessionAsync();
            Scripted.Answer(Header, Lost, DoneButLost);

            await DeleteSessionAsync(session);
        }

        [Fact]
        public async Task Fails_if_storage_stays_busy()
        {
            var session = await NewSessionAsync();
            Scripted.Answer(Header, AlwaysBusy);

            await IsUnavailableAsync(() => Memberships.DeleteSessionAsync(Account, session, Precondition.None, CancellationToken.None));
        }
    }

    /// <summary>With an update, which needs the fewest calls, and with a join of a member.</summary>
    public sealed class ReplacingSubscriptions : UnsettledWriteTests
    {
        [Fact]
        public async Task An_update_succeeds_if_only_the_response_was_lost()
        {
            var (session, participant) = await NewMemberAsync();
            Scripted.Answer(MemberRowOf(participant), DoneButLost);

            await UpdateAsync(session, participant, ToOne);
            Assert.Single(WritesTo(participant));
        }

        [Fact]
        public async Task An_update_returns_unavailable_if_its_lost_call_may_be_applied_later()
        {
            var (session, participant) = await NewMemberAsync();
            Scripted.Answer(MemberRowOf(participant), Lost);

            await IsUnavailableAsync(() => UpdateAsync(session, participant, ToOne));
        }

        [Fact]
        public async Task A_join_succeeds_if_only_the_response_was_lost()
        {
            var (session, participant) = await NewMemberAsync();
            Scripted.Answer(MemberRowOf(participant), DoneButLost);

            Assert.Equal(Outcome.Done, await JoinAgainAsync(session, participant));
            Assert.Single(WritesTo(participant));
        }

        [Fact]
        public async Task A_join_writes_again_if_another_change_was_first()
        {
            var (session, participant) = await NewMemberAsync();
            Scripted.Answer(MemberRowOf(participant), async call =>
            {
                await UpdateAsync(session, participant, ToNobody);
                return Scripted.Do(call);
            });

            Assert.Equal(Outcome.Done, await JoinAgainAsync(session, participant));
            Assert.Equal(3, WritesTo(participant).Count());
        }

        [Fact]
        public async Task A_join_writes_again_after_a_lost_call()
        {
            var (session, participant) = await NewMemberAsync();
            Scripted.Answer(MemberRowOf(participant), Lost);

            Assert.Equal(Outcome.Done, await JoinAgainAsync(session, participant));
            Assert.Equal(2, WritesTo(participant).Count());
        }

        [Theory]
        [InlineData(1)]
        [InlineData(2)]
        public async Task A_join_returns_unavailable_if_another_change_preceded_settling_its_lost_calls(int lost)
        {
            var (session, participant) = await NewMemberAsync();
            Scripted.Answer(MemberRowOf(participant), [.. Enumerable.Repeat(Lost, lost - 1), async _ =>
            {
                await UpdateAsync(session, participant, ToNobody);
                return TableAnswer.Lost;
            }]);

            await IsUnavailableAsync(() => JoinAgainAsync(session, participant));
        }

        [Fact]
        public async Task A_join_fails_if_the_row_stays_busy()
        {
            var (session, participant) = await NewMemberAsync();
            Scripted.Answer(MemberRowOf(participant), AlwaysBusy);

            await IsUnavailableAsync(() => JoinAgainAsync(session, participant));
        }

        private static string MemberRowOf(ParticipantId participant) => Keys.Member(participant);

        private IEnumerable<TableCall> WritesTo(ParticipantId participant) => Scripted.WritesTo(MemberRowOf(participant));

        private Task<Outcome> JoinAgainAsync(SessionId session, ParticipantId participant)
            => Memberships.JoinAsync(Account, session, participant, ToOne, Precondition.None, CancellationToken.None);
    }

    /// <summary>
    /// An update reads the member row in parallel with its write. Here a join inserts the row between the two, so only the session and the
    /// participant can show whether the member had expired.
    /// </summary>
    public sealed class UpdatingARowInsertedAfterTheRead : UnsettledWriteTests
    {
        [Fact]
        public async Task Succeeds_if_the_session_and_the_participant_exist()
        {
            var (session, participant) = (await NewSessionAsync(), await NewParticipantAsync());

            Assert.Equal(Outcome.Done, await UpdateBesideAJoinAsync(session, participant, Memberships, () => Task.CompletedTask));
            Assert.NotNull(await Memberships.GetSubscriptionsAsync(Account, session, participant, CancellationToken.None));
        }

        [Fact]
        public async Task Returns_unavailable_if_the_session_was_deleted_afterwards()
        {
            var (session, participant) = (await NewSessionAsync(), await NewParticipantAsync());

            await IsUnavailableAsync(() => UpdateBesideAJoinAsync(session, participant, Memberships, () => DeleteSessionAsync(session)));
        }

        [Fact]
        public async Task Returns_unavailable_if_the_participant_was_deleted_afterwards()
        {
            var (session, participant) = (await NewSessionAsync(), await NewParticipantAsync());

            await IsUnavailableAsync(() => UpdateBesideAJoinAsync(session, participant, Memberships, () => DeleteAsync(participant)));
        }

        [Fact]
        public async Task Returns_no_session_if_the_session_had_expired()
        {
            var session = await NewSessionAsync();
            var late = MembershipsOf(new QuickTime());
            _time.Advance(Options.SessionLifetime);
            var participant = await NewParticipantAsync();

            Assert.Equal(Outcome.NoSession, await UpdateBesideAJoinAsync(session, participant, late, () => Task.CompletedTask));
        }

        [Fact]
        public async Task Returns_no_participant_if_the_participant_had_expired()
        {
            var participant = await NewParticipantAsync();
            var late = MembershipsOf(new QuickTime());
            _time.Advance(Options.ParticipantLifetime);
            var session = await NewSessionAsync();

            Assert.Equal(Outcome.NoParticipant, await UpdateBesideAJoinAsync(session, participant, late, () => Task.CompletedTask));
        }

        [Fact]
        public async Task Returns_no_session_if_the_session_had_expired_and_the_participant_was_deleted()
        {
            var session = await NewSessionAsync();
            var late = MembershipsOf(new QuickTime());
            _time.Advance(Options.SessionLifetime);
            var participant = await NewParticipantAsync();

            Assert.Equal(Outcome.NoSession, await UpdateBesideAJoinAsync(session, participant, late, () => DeleteAsync(participant)));
        }

        [Fact]
        public async Task Returns_no_participant_if_the_participant_had_expired_and_the_session_was_deleted()
        {
            var participant = await NewParticipantAsync();
            var late = MembershipsOf(new QuickTime());
            _time.Advance(Options.ParticipantLifetime);
            var session = await NewSessionAsync();

            Assert.Equal(Outcome.NoParticipant, await UpdateBesideAJoinAsync(session, participant, late, () => DeleteSessionAsync(session)));
        }

        /// <summary>The store of a server with its own clock.</summary>
        private MembershipStore MembershipsOf(TimeProvider time) => new(Scripted.Tables, Options, time, EventQueue.None);

        private async Task<Outcome> UpdateBesideAJoinAsync(
            SessionId session, ParticipantId participant, MembershipStore other, Func<Task> afterwards)
        {
            Scripted.Answer(Keys.Member(participant), async call =>
            {
                Assert.Equal(Outcome.Done, await other.JoinAsync(Account, session, participant, null, Precondition.None, CancellationToken.None));
                var answer = Scripted.Do(call);
                Assert.True(answer.Succeeded);
                await afterwards();
                return answer;
            });
            return await Memberships.UpdateSubscriptionsAsync(Account, session, participant, ToOne, Precondition.None, CancellationToken.None);
        }

        private async Task DeleteAsync(ParticipantId participant) => Assert.Equal(
            Outcome.Done, await Memberships.DeleteParticipantAsync(Account, participant, Precondition.None, CancellationToken.None));
    }

    public sealed class Sweeping : UnsettledWriteTests
    {
        [Fact]
        public async Task Deletes_no_session_until_the_index_row_of_its_next_check_is_stored()
        {
            var session = await NewSessionAsync();
            _time.Advance(Options.SessionLifetime + Sweeper.Grace + TimeSpan.FromHours(1));
            Scripted.Answer(ScriptedTables.AnyIndexRow, AlwaysBusy.Take(1));

            Assert.Equal(0, await SweepAsync());
            Assert.NotNull(await SessionPartition.FindAsync(Scripted.Tables.Sessions, Account, session, CancellationToken.None));

            // The sweep deletes the header. The event of the creation remains.
            Assert.Equal(1, await SweepAsync());
            Assert.Null(await SessionPartition.FindAsync(Scripted.Tables.Sessions, Account, session, CancellationToken.None));
        }

        private Task<int> SweepAsync() => new Sweeper(Scripted.Tables, Options.EventRetention, _time, EventQueue.None).SweepAsync(100, CancellationToken.None);
    }

    private static async Task IsUnavailableAsync(Func<Task> act) => await Assert.ThrowsAsync<StorageUnavailableException>(act);

    /// <summary>The condition that the participant has not changed.</summary>
    private async Task<Precondition> ConditionAsync(ParticipantId participant)
        => Precondition.OneOf([(await Participants.GetAsync(Account, participant, CancellationToken.None))!.EntityTag]);

    /// <summary>A participant that claims a session and is not a member of it.</summary>
    private async Task<(SessionId Session, ParticipantId Participant)> NewStaleClaimAsync()
    {
        var (session, participant) = await NewMemberAsync();
        var partition = await SessionPartition.FindAsync(Scripted.Tables.Sessions, Account, session, CancellationToken.None);
        Assert.Equal(WriteOutcome.Done, (await partition!.RemoveAsync(participant, LeaveReasons.Removed, ETag.All, Guid.NewGuid(), Now, CancellationToken.None)).Outcome);
        return (session, participant);
    }

    private Task<Outcome> LeaveAsync(SessionId session, ParticipantId participant, Precondition? precondition = null)
        => Memberships.LeaveAsync(Account, session, participant, precondition ?? Precondition.None, CancellationToken.None);

    private async Task UpdateAsync(SessionId session, ParticipantId participant, Subscriptions subscriptions) => Assert.Equal(
        Outcome.Done,
        await Memberships.UpdateSubscriptionsAsync(Account, session, participant, subscriptions, Precondition.None, CancellationToken.None));

    private async Task DeleteSessionAsync(SessionId session)
        => Assert.Equal(Outcome.Done, await Memberships.DeleteSessionAsync(Account, session, Precondition.None, CancellationToken.None));

    /// <summary>A clock that a test advances. Every delay ends immediately.</summary>
    private sealed class QuickTime : TimeProvider
    {
        private TimeSpan _ahead;
        private DateTimeOffset? _stopped;

        /// <summary>Stops the clock, which then advances only with <see cref="Advance"/>.</summary>
        public void Stop() => _stopped = base.GetUtcNow();

        public void Advance(TimeSpan time) => _ahead += time;

        public override DateTimeOffset GetUtcNow() => (_stopped ?? base.GetUtcNow()) + _ahead;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
            => base.CreateTimer(callback, state, TimeSpan.Zero, period);
    }
}
