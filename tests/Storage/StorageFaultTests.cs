using Azure;
using Azure.Data.Tables;
using Sessions.Model;
using Sessions.Storage;
using Sessions.Tests.Simulation;

namespace Sessions.Tests;

/// <summary>Faults that a real table does not produce on demand.</summary>
public abstract class StorageFaultTests
{
    private protected const string Header = Keys.Header;
    private protected const string ParticipantRow = Keys.Participant;

    private protected static readonly AccountId Account = AccountId.Parse("account");

    private protected static readonly SessionsOptions Options = TestOptions.Default;

    private readonly ScriptedTables _tables = new();

    private protected static ChangeTime Now => ChangeTime.At(DateTimeOffset.UtcNow, Options.EventRetention);

    private protected ScriptedTables Scripted => _tables;

    /// <summary>The clock of the stores.</summary>
    private protected TimeProvider Time { get; init; } = TimeProvider.System;

    private protected SessionStore Sessions => new(_tables.Tables, Options, Time, EventQueue.None);

    private protected ParticipantStore Participants => new(_tables.Tables, Options, Time, EventQueue.None);

    private protected MembershipStore Memberships => new(_tables.Tables, Options, Time, EventQueue.None);

    private protected static IEnumerable<Func<TableCall, TableAnswer>> AlwaysBusy => Enumerable.Repeat<Func<TableCall, TableAnswer>>(_ => ScriptedTables.Busy, 1000);

    public sealed class CreatingASession : StorageFaultTests
    {
        [Fact]
        public async Task Succeeds_if_the_existing_row_is_its_own()
        {
            _tables.Answer(Header, _tables.DoneBut(new(409, "EntityAlreadyExists")));

            var session = await NewSessionAsync();

            Assert.Equal($"{Account}:{session}", Assert.Single(_tables.WritesTo(Header)).PartitionKey);
        }

        [Fact]
        public async Task Succeeds_if_only_the_response_was_lost()
        {
            _tables.Answer(Header, _tables.DoneBut(TableAnswer.Lost));

            await NewSessionAsync();

            Assert.Single(_tables.WritesTo(Header));
        }

        [Fact]
        public async Task Retries_if_storage_was_busy_and_stored_nothing()
        {
            _tables.Answer(Header, AlwaysBusy.Take(2));

            await NewSessionAsync();

            Assert.Equal(3, _tables.WritesTo(Header).Count);
        }

        [Fact]
        public async Task Fails_if_the_existing_row_belongs_to_another_request()
        {
            _tables.Answer(Header, _tables.Overtaken);

            await Assert.ThrowsAsync<InvalidOperationException>(NewSessionAsync);
        }

        [Fact]
        public async Task Fails_if_storage_stays_busy()
        {
            _tables.Answer(Header, AlwaysBusy);

            await Assert.ThrowsAsync<StorageUnavailableException>(NewSessionAsync);
        }

        [Fact]
        public async Task Does_not_treat_a_missing_table_as_a_missing_row()
        {
            _tables.Answer(Header, _ => new TableAnswer(404, "TableNotFound"));

            await Assert.ThrowsAsync<TableTransactionFailedException>(NewSessionAsync);
        }
    }

    public sealed class Reading : StorageFaultTests
    {
        [Fact]
        public async Task Returns_null_for_a_missing_row()
            => Assert.Null(await _tables.Tables.Sessions.FindAsync("partition", "row", CancellationToken.None));

        [Fact]
        public async Task Does_not_treat_a_missing_table_as_a_missing_row()
        {
            await _tables.Tables.Sessions.DeleteAsync();

            var failure = await Assert.ThrowsAsync<RequestFailedException>(() => _tables.Tables.Sessions.FindAsync("partition", "row", CancellationToken.None));
            Assert.Equal(404, failure.Status);
        }
    }

    public sealed class CreatingWithAnIndexRow : StorageFaultTests
    {
        [Theory]
        [InlineData(Header, null)]
        [InlineData(Header, "key")]
        [InlineData(ParticipantRow, null)]
        [InlineData(ParticipantRow, "key")]
        public async Task Completes_only_after_the_index_row_is_stored(string kind, string? idempotencyKey)
        {
            var stored = new TaskCompletionSource();
            _tables.Answer(ScriptedTables.AnyIndexRow, async call =>
            {
                await stored.Task;
                return _tables.Do(call);
            });

            var creating = CreateAsync(kind, idempotencyKey);

            Assert.Single(_tables.WritesTo(kind));
            Assert.False(creating.IsCompleted);
            stored.SetResult();
            await creating;
        }

        [Theory]
        [InlineData(Header)]
        [InlineData(ParticipantRow)]
        public async Task Retries_the_index_row_if_storage_was_busy(string kind)
        {
            _tables.Answer(ScriptedTables.AnyIndexRow, AlwaysBusy.Take(2));

            await CreateAsync(kind, idempotencyKey: null);

            Assert.Equal(3, _tables.Writes.Count(write => Keys.IsIndex(write.PartitionKey)));
        }

        private Task CreateAsync(string kind, string? idempotencyKey) => kind == Header
            ? Sessions.CreateAsync(Account, new("tag"), idempotencyKey, CancellationToken.None)
            : Participants.CreateAsync(Account, new(null, [], "tag", "V3"), idempotencyKey, CancellationToken.None);
    }

    public sealed class DeletingASession : StorageFaultTests
    {
        [Fact]
        public async Task Succeeds_if_only_the_response_was_lost()
        {
            var session = await NewSessionAsync();
            _tables.Answer(Header, _tables.DoneBut(TableAnswer.Lost));

            Assert.Equal(Outcome.Done, await DeleteAsync(session));
        }

        [Fact]
        public async Task Returns_not_found_if_another_request_was_first()
        {
            var session = await NewSessionAsync();
            _tables.Answer(Header, _tables.DoneByAnother);

            Assert.Equal(Outcome.NoSession, await DeleteAsync(session));
        }

        [Fact]
        public async Task Reads_again_if_the_members_changed()
        {
            var (session, participant) = (await NewSessionAsync(), await NewParticipantAsync());
            _tables.Answer(Header, async call =>
            {
                Assert.Equal(Outcome.Done, await JoinAsync(session, participant));
                return _tables.Do(call);
            });

            Assert.Equal(Outcome.Done, await DeleteAsync(session));
            var deletions = _tables.WritesTo(Header).Where(write => write.Changes[0].Kind == ChangeKind.Delete);
            Assert.Equal([1, 2], deletions.Select(deletion => deletion.Changes.Count(change => change.Kind == ChangeKind.Delete)));
        }

        private Task<Outcome> DeleteAsync(SessionId session) => Memberships.DeleteSessionAsync(Account, session, Precondition.None, CancellationToken.None);
    }

    public sealed class RemovingAParticipant : StorageFaultTests
    {
        [Fact]
        public async Task Succeeds_if_the_header_has_its_own_WriteId()
        {
            var (session, participant) = await NewMemberAsync();
            _tables.Answer(Header, _tables.DoneBut(ScriptedTables.Stale));

            Assert.Equal(Outcome.Done, await RemoveAsync(session, participant));
        }

        [Fact]
        public async Task Returns_not_found_if_another_request_was_first()
        {
            var (session, participant) = await NewMemberAsync();
            _tables.Answer(Header, async call =>
            {
                Assert.Equal(Outcome.Done, await RemoveAsync(session, participant));
                return _tables.Do(call);
            });

            Assert.Equal(Outcome.NotAMember, await RemoveAsync(session, participant));
        }

        [Fact]
        public async Task Succeeds_even_if_the_claim_cannot_be_cleared()
        {
            var (session, participant) = await NewMemberAsync();
            _tables.Answer(ParticipantRow, AlwaysBusy);

            Assert.Equal(Outcome.Done, await RemoveAsync(session, participant));
        }

        [Fact]
        public async Task Clears_the_claim_with_the_ETag_from_before_the_removal()
        {
            var (session, participant) = await NewMemberAsync();
            var claimed = _tables.ETagOf(_tables.WritesTo(ParticipantRow)[^1]);

            await RemoveAsync(session, participant);

            Assert.Equal(claimed, _tables.WritesTo(ParticipantRow)[^1].Changes[0].IfMatch);
        }

        [Fact]
        public async Task Keeps_the_claim_if_another_request_may_have_removed_the_participant()
        {
            var (session, participant) = await NewMemberAsync();
            var before = _tables.WritesTo(ParticipantRow).Count;
            _tables.Answer(Header, async _ =>
            {
                var other = await SessionPartition.FindAsync(_tables.Tables.Sessions, Account, session, CancellationToken.None);
                Assert.Equal(WriteOutcome.Done, (await other!.RemoveAsync(participant, LeaveReasons.Removed, ETag.All, Guid.NewGuid(), Now, CancellationToken.None)).Outcome);
                return TableAnswer.Lost;
            });

            Assert.Equal(Outcome.Done, await RemoveAsync(session, participant));
            Assert.Equal(before, _tables.WritesTo(ParticipantRow).Count);
        }

        private Task<Outcome> RemoveAsync(SessionId session, ParticipantId participant)
            => Memberships.LeaveAsync(Account, session, participant, Precondition.None, CancellationToken.None);
    }

    public sealed class AddingAParticipant : StorageFaultTests
    {
        [Fact]
        public async Task Starts_again_if_the_claim_conflicts_with_another_write()
        {
            var (session, participant) = (await NewSessionAsync(), await NewParticipantAsync());
            var before = _tables.WritesTo(ParticipantRow).Count;
            _tables.Answer(ParticipantRow, _tables.Overtaken);

            Assert.Equal(Outcome.Done, await JoinAsync(session, participant));
            Assert.Equal(before + 2, _tables.WritesTo(ParticipantRow).Count);
        }

        [Fact]
        public async Task Claims_again_before_it_inserts_again()
        {
            var (session, participant) = (await NewSessionAsync(), await NewParticipantAsync());
            var made = _tables.ETagOf(_tables.WritesTo(ParticipantRow)[^1]);
            var header = _tables.ETagOf(_tables.WritesTo(Header)[^1]);
            var before = _tables.Writes.Count;
            var (claimed, overtaken) = (default(ETag), default(ETag));
            _tables.Answer(ParticipantRow, call =>
            {
                var answer = _tables.Do(call);
                claimed = answer.ETag;
                return answer;
            });
            _tables.Answer(Header, call =>
            {
                var answer = _tables.Overtaken(call);
                overtaken = _tables.ETagOf(call);
                return answer;
            });

            Assert.Equal(Outcome.Done, await JoinAsync(session, participant));
            Assert.Equal(
                [(ParticipantRow, made), (Header, header), (ParticipantRow, claimed), (Header, overtaken)],
                _tables.Writes.Skip(before).Select(write => (write.Changes[0].RowKey, write.Changes[0].IfMatch)));
        }

        [Fact]
        public async Task Succeeds_if_only_the_response_to_the_insert_was_lost()
        {
            var (session, participant) = (await NewSessionAsync(), await NewParticipantAsync());
            _tables.Answer(Header, _tables.DoneBut(TableAnswer.Lost));

            Assert.Equal(Outcome.Done, await JoinAsync(session, participant));
            Assert.Single(Inserts());
        }

        [Fact]
        public async Task Does_not_insert_again_if_another_request_may_have_removed_the_participant()
        {
            var (session, participant) = (await NewSessionAsync(), await NewParticipantAsync());
            _tables.Answer(Header, async call =>
            {
                Assert.True(_tables.Do(call).Succeeded);
                Assert.Equal(Outcome.Done, await Memberships.LeaveAsync(Account, session, participant, Precondition.None, CancellationToken.None));
                return TableAnswer.Lost;
            });

            await Assert.ThrowsAsync<StorageUnavailableException>(() => JoinAsync(session, participant));
            Assert.Single(Inserts());
        }

        [Fact]
        public async Task Fails_if_storage_stays_busy()
        {
            var (session, participant) = (await NewSessionAsync(), await NewParticipantAsync());
            _tables.Answer(ParticipantRow, AlwaysBusy);

            await Assert.ThrowsAsync<StorageUnavailableException>(() => JoinAsync(session, participant));
        }

        private IEnumerable<TableCall> Inserts() => _tables.WritesTo(Header).Where(write => write.Changes is [_, { Kind: ChangeKind.Add }]);
    }

    public sealed class DeletingAParticipant : StorageFaultTests
    {
        [Fact]
        public async Task Succeeds_if_only_the_response_was_lost()
        {
            var participant = await NewParticipantAsync();
            _tables.Answer(ParticipantRow, _tables.DoneBut(TableAnswer.Lost));

            await DeletesAsync(Outcome.Done, participant);
        }

        [Fact]
        public async Task Returns_not_found_if_another_request_was_first()
        {
            var participant = await NewParticipantAsync();
            _tables.Answer(ParticipantRow, _tables.DoneByAnother);

            await DeletesAsync(Outcome.NoParticipant, participant);
        }

        [Fact]
        public async Task Does_not_evaluate_its_condition_again_after_its_own_removal()
        {
            var (_, participant) = await NewMemberAsync();
            var tag = (await Participants.GetAsync(Account, participant, CancellationToken.None))!.EntityTag;
            _tables.Answer(Header, _tables.DoneBut(TableAnswer.Lost));

            Assert.Equal(
                Outcome.Done,
                await Memberships.DeleteParticipantAsync(Account, participant, Precondition.OneOf([tag]), CancellationToken.None));
        }

        [Fact]
        public async Task Returns_unavailable_if_another_request_may_have_removed_the_participant_first()
        {
            var (session, participant) = await NewMemberAsync();
            var tag = (await Participants.GetAsync(Account, participant, CancellationToken.None))!.EntityTag;
            _tables.Answer(Header, async _ =>
            {
                Assert.Equal(Outcome.Done, await Memberships.LeaveAsync(Account, session, participant, Precondition.None, CancellationToken.None));
                return TableAnswer.Lost;
            });

            await Assert.ThrowsAsync<StorageUnavailableException>(
                () => Memberships.DeleteParticipantAsync(Account, participant, Precondition.OneOf([tag]), CancellationToken.None));
            Assert.NotNull(await Participants.GetAsync(Account, participant, CancellationToken.None));
        }

        [Fact]
        public async Task Fences_the_session_of_a_join_in_progress()
        {
            var (session, participant) = (await NewSessionAsync(), await NewParticipantAsync());
            var claim = new TableEntity($"{Account}:{participant}", ParticipantRow) { ["SessionId"] = session.ToString() };
            await _tables.Tables.Participants.UpdateEntityAsync(claim, ETag.All);
            var header = _tables.ETagOf(_tables.WritesTo(Header)[^1]);

            await DeletesAsync(Outcome.Done, participant);

            var fence = Assert.Single(_tables.WritesTo(Header)[^1].Changes);
            Assert.Equal((ChangeKind.Merge, header), (fence.Kind, fence.IfMatch));
        }

        /// <summary>Deletes the participant, which must happen under the ETag of its row.</summary>
        private async Task DeletesAsync(Outcome outcome, ParticipantId participant)
        {
            var etag = _tables.ETagOf(_tables.WritesTo(ParticipantRow)[^1]);

            Assert.Equal(outcome, await Memberships.DeleteParticipantAsync(Account, participant, Precondition.None, CancellationToken.None));

            var change = Assert.Single(_tables.WritesTo(ParticipantRow)[^1].Changes);
            Assert.Equal((ChangeKind.Delete, etag), (change.Kind, change.IfMatch));
        }
    }

    private protected async Task<SessionId> NewSessionAsync()
        => new(Guid.Parse((await Sessions.CreateAsync(Account, new("tag"), null, CancellationToken.None)).Session!.Id));

    private protected async Task<ParticipantId> NewParticipantAsync()
        => new(Guid.Parse((await Participants.CreateAsync(Account, new(null, [], "tag", "V3"), null, CancellationToken.None)).Participant!.Id));

    private protected async Task<(SessionId Session, ParticipantId Participant)> NewMemberAsync()
    {
        var (session, participant) = (await NewSessionAsync(), await NewParticipantAsync());
        Assert.Equal(Outcome.Done, await JoinAsync(session, participant));
        return (session, participant);
    }

    private protected Task<Outcome> JoinAsync(SessionId session, ParticipantId participant)
        => Memberships.JoinAsync(Account, session, participant, null, Precondition.None, CancellationToken.None);
}
