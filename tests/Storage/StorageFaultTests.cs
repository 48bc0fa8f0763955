using System.Diagnostics.CodeAnalysis;
using Azure;
using Azure.Core;
using Azure.Data.Tables;
using Azure.Data.Tables.Models;
using Microsoft.Extensions.Configuration;
using Moq;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Tests;

/// <summary>What a real table will not do on demand.</summary>
public abstract class StorageFaultTests
{
    private static readonly AccountId Account = AccountId.Parse("account");

    private static readonly SessionId Session = new(Guid.NewGuid());
    private static readonly ParticipantId Participant = new(Guid.NewGuid());
    private static readonly RequestFailedException AnswerLost = new("The connection was reset.");
    private static readonly RequestFailedException Throttled = new(503, "The server is busy.", "ServerBusy", null);
    private static readonly RequestFailedException Stale = new(412, "The ETag is another.", "UpdateConditionNotSatisfied", null);
    private static readonly RequestFailedException Gone = new(404, "There is no such row.", "ResourceNotFound", null);
    private static readonly SessionsOptions Options = SessionsOptions.Read(new ConfigurationBuilder().AddInMemoryCollection(
    [
        new("Sessions:StorageConnectionString", "UseDevelopmentStorage=true"),
        new("Sessions:TokenSigningKey", Server.TokenSigningKey),
    ]).Build());

    private readonly Mock<TableClient> _sessions = new(MockBehavior.Strict);
    private readonly Mock<TableClient> _participants = new(MockBehavior.Strict);

    protected StorageFaultTests()
    {
        _sessions.Setup(table => table.Name).Returns("sessions");
        _participants.Setup(table => table.Name).Returns("participants");
    }

    private Tables Tables => new(name => name switch
    {
        "sessions" => _sessions.Object,
        "participants" => _participants.Object,
        _ => Mock.Of<TableClient>(),
    });

    private SessionStore Sessions => new(Tables, Options, TimeProvider.System);

    private ParticipantStore Participants => new(Tables, Options, TimeProvider.System);

    private MembershipStore Memberships => new(Tables, Options, TimeProvider.System);

    private static RequestFailedException AlreadyThere => new(409, "There is such a row.", TableErrorCode.EntityAlreadyExists.ToString(), null);

    public sealed class CreatingASession : StorageFaultTests
    {
        [Fact]
        public async Task Succeeds_when_the_row_that_is_there_already_is_its_own()
        {
            TableEntity? sent = null;
            AddAnswers(() => throw AlreadyThere, row => sent = row);
            Finds(_sessions, () => sent);

            var (_, session) = await Sessions.CreateAsync(Account, new("tag"), null, CancellationToken.None);

            Assert.Equal($"{Account}:{session!.Id}", sent!.PartitionKey);
        }

        [Fact]
        public async Task Succeeds_when_only_the_answer_was_lost()
        {
            TableEntity? sent = null;
            AddAnswers(() => throw AnswerLost, row => sent = row);
            Finds(_sessions, () => sent);

            await Sessions.CreateAsync(Account, new("tag"), null, CancellationToken.None);

            _sessions.Verify(table => table.AddEntityAsync(It.Is<TableEntity>(row => row.RowKey == "session"), It.IsAny<CancellationToken>()), Times.Once);
        }

        [Fact]
        public async Task Tries_again_when_storage_was_busy_and_nothing_is_stored()
        {
            var tries = 0;
            AddAnswers(() => ++tries < 3 ? throw Throttled : NoContent());
            Finds(_sessions, () => null);

            await Sessions.CreateAsync(Account, new("tag"), null, CancellationToken.None);

            Assert.Equal(3, tries);
        }

        [Fact]
        public async Task Fails_when_the_row_that_is_there_already_is_anothers()
        {
            AddAnswers(() => throw AlreadyThere);
            Finds(_sessions, () => new("partition", "row") { ["WriteId"] = "another" });

            await Assert.ThrowsAsync<InvalidOperationException>(() => Sessions.CreateAsync(Account, new("tag"), null, CancellationToken.None));
        }

        [Fact]
        public async Task Gives_up_when_storage_stays_busy()
        {
            AddAnswers(() => throw Throttled);
            Finds(_sessions, () => null);

            await Assert.ThrowsAsync<StorageUnavailableException>(() => Sessions.CreateAsync(Account, new("tag"), null, CancellationToken.None));
        }

        [Fact]
        public async Task Does_not_take_a_missing_table_for_a_missing_row()
        {
            AddAnswers(() => throw new RequestFailedException(404, "There is no such table.", TableErrorCode.TableNotFound.ToString(), null));

            await Assert.ThrowsAsync<RequestFailedException>(() => Sessions.CreateAsync(Account, new("tag"), null, CancellationToken.None));
        }

        /// <summary>Answers the insert of the session; its row in the index of expiries is always stored.</summary>
        private void AddAnswers(Func<Response> answer, Action<TableEntity>? sent = null)
        {
            _sessions.Setup(table => table.AddEntityAsync(It.IsAny<TableEntity>(), It.IsAny<CancellationToken>())).ReturnsAsync(() => NoContent());
            _sessions.Setup(table => table.AddEntityAsync(It.Is<TableEntity>(row => row.RowKey == "session"), It.IsAny<CancellationToken>()))
                .Callback((TableEntity row, CancellationToken _) => sent?.Invoke(row))
                .ReturnsAsync(answer);
        }
    }

    public sealed class DeletingASession : StorageFaultTests
    {
        [Fact]
        public async Task Succeeds_when_only_the_answer_was_lost()
        {
            Queries([Header("1")], []);
            SubmitAnswers(() => throw AnswerLost);

            Assert.Equal(Outcome.Done, await Memberships.DeleteSessionAsync(Account, Session, Precondition.None, CancellationToken.None));
        }

        [Fact]
        public async Task Finds_nothing_when_another_was_first()
        {
            Queries([Header("1")], []);
            SubmitAnswers(() => throw Gone);

            Assert.Equal(Outcome.NoSession, await Memberships.DeleteSessionAsync(Account, Session, Precondition.None, CancellationToken.None));
        }

        [Fact]
        public async Task Reads_again_when_the_members_changed()
        {
            Queries([Header("1")], [Header("2"), Member()]);
            var sizes = new List<int>();
            SubmitAnswers(() => sizes.Count == 1 ? throw Stale : NoContent(), actions => sizes.Add(actions.Count));

            Assert.Equal(Outcome.Done, await Memberships.DeleteSessionAsync(Account, Session, Precondition.None, CancellationToken.None));
            Assert.Equal([1, 2], sizes);
        }
    }

    public sealed class RemovingAParticipant : StorageFaultTests
    {
        [Fact]
        public async Task Succeeds_when_the_header_has_its_own_WriteId()
        {
            string? writeId = null;
            Finds(_participants, ParticipantRow);
            Queries([Header("1"), Member()], () => [Header("2", writeId)]);
            SubmitAnswers(() => throw Stale, actions => writeId = ((TableEntity)actions[0].Entity).GetString("WriteId"));
            MergeAnswers(() => NoContent());

            Assert.Equal(Outcome.Done, await Memberships.LeaveAsync(Account, Session, Participant, Precondition.None, CancellationToken.None));
        }

        [Fact]
        public async Task Finds_nothing_when_another_was_first()
        {
            Finds(_participants, ParticipantRow);
            Queries([Header("1"), Member()], [Header("2", "another")]);
            SubmitAnswers(() => throw Stale);

            Assert.Equal(Outcome.NotAMember, await Memberships.LeaveAsync(Account, Session, Participant, Precondition.None, CancellationToken.None));
        }

        [Fact]
        public async Task Succeeds_though_the_claim_cannot_be_cleared()
        {
            Finds(_participants, ParticipantRow);
            Queries([Header("1"), Member()]);
            SubmitAnswers(() => NoContent());
            MergeAnswers(() => throw Throttled);

            Assert.Equal(Outcome.Done, await Memberships.LeaveAsync(Account, Session, Participant, Precondition.None, CancellationToken.None));
        }

        [Fact]
        public async Task Clears_the_claim_under_the_ETag_from_before_the_removal()
        {
            ETag used = default;
            Finds(_participants, ParticipantRow);
            Queries([Header("1"), Member()]);
            SubmitAnswers(() => NoContent());
            MergeAnswers(() => NoContent(), etag => used = etag);

            await Memberships.LeaveAsync(Account, Session, Participant, Precondition.None, CancellationToken.None);

            Assert.Equal(new ETag("participant"), used);
        }
    }

    public sealed class AddingAParticipant : StorageFaultTests
    {
        [Fact]
        public async Task Starts_again_when_the_claim_met_another_write()
        {
            var claims = 0;
            Finds(_participants, ParticipantRow);
            Queries([Header("1")], [Header("1")]);
            MergeAnswers(() => ++claims == 1 ? throw Stale : NoContent());
            SubmitAnswers(() => NoContent());

            Assert.Equal(Outcome.Done, await Memberships.JoinAsync(Account, Session, Participant, null, Precondition.None, CancellationToken.None));
            Assert.Equal(2, claims);
        }

        [Fact]
        public async Task Claims_again_before_it_inserts_again()
        {
            List<string> calls = [];
            Finds(_participants, ParticipantRow);
            Queries([Header("1")], [Header("2")]);
            MergeAnswers(() => NoContent($"claim{calls.Count(call => call.StartsWith("claim", StringComparison.Ordinal))}"), etag => calls.Add($"claim under {etag}"));
            SubmitAnswers(
                () => calls.Count(call => call.StartsWith("insert", StringComparison.Ordinal)) == 1 ? throw Stale : NoContent(),
                actions => calls.Add($"insert under {actions[0].ETag}"));

            Assert.Equal(Outcome.Done, await Memberships.JoinAsync(Account, Session, Participant, null, Precondition.None, CancellationToken.None));
            Assert.Equal(["claim under participant", "insert under 1", "claim under claim1", "insert under 2"], calls);
        }

        [Fact]
        public async Task Succeeds_when_only_the_answer_to_the_insert_was_lost()
        {
            Finds(_participants, ParticipantRow);
            string? writeId = null;
            Queries([Header("1")], () => [Header("2"), Member(writeId!)]);
            MergeAnswers(() => NoContent());
            SubmitAnswers(() => throw AnswerLost, actions => writeId = ((TableEntity)actions[1].Entity).GetString("WriteId"));

            Assert.Equal(Outcome.Done, await Memberships.JoinAsync(Account, Session, Participant, null, Precondition.None, CancellationToken.None));
            _sessions.Verify(table => table.SubmitTransactionAsync(It.IsAny<IEnumerable<TableTransactionAction>>(), It.IsAny<CancellationToken>()), Times.Once);
        }

        [Fact]
        public async Task Does_not_insert_again_what_another_may_have_removed()
        {
            Finds(_participants, ParticipantRow);
            Queries([Header("1")], [Header("2")]);
            MergeAnswers(() => NoContent());
            SubmitAnswers(() => throw AnswerLost);

            await Assert.ThrowsAsync<StorageUnavailableException>(
                () => Memberships.JoinAsync(Account, Session, Participant, null, Precondition.None, CancellationToken.None));
            _sessions.Verify(table => table.SubmitTransactionAsync(It.IsAny<IEnumerable<TableTransactionAction>>(), It.IsAny<CancellationToken>()), Times.Once);
        }

        [Fact]
        public async Task Gives_up_when_storage_stays_busy()
        {
            Finds(_participants, ParticipantRow);
            Queries([Header("1")]);
            MergeAnswers(() => throw Throttled);

            await Assert.ThrowsAsync<StorageUnavailableException>(() => Memberships.JoinAsync(Account, Session, Participant, null, Precondition.None, CancellationToken.None));
        }
    }

    public sealed class DeletingAParticipant : StorageFaultTests
    {
        [Fact]
        public async Task Succeeds_when_only_the_answer_was_lost()
        {
            var deleted = false;
            Finds(_participants, () => deleted ? null : ParticipantRow(claim: ""));
            DeleteAnswers(() =>
            {
                deleted = true;
                throw AnswerLost;
            });

            Assert.Equal(Outcome.Done, await Memberships.DeleteParticipantAsync(Account, Participant, Precondition.None, CancellationToken.None));
        }

        [Fact]
        public async Task Finds_nothing_when_another_was_first()
        {
            var deleted = false;
            Finds(_participants, () => deleted ? null : ParticipantRow(claim: ""));
            DeleteAnswers(() =>
            {
                deleted = true;
                throw Gone;
            });

            Assert.Equal(Outcome.NoParticipant, await Memberships.DeleteParticipantAsync(Account, Participant, Precondition.None, CancellationToken.None));
        }

        [Fact]
        public async Task Fences_the_session_that_a_join_on_the_way_would_land_in()
        {
            ETag fence = default;
            Finds(_participants, ParticipantRow);
            Queries([Header("1")]);
            _sessions.Setup(table => table.UpdateEntityAsync(It.IsAny<TableEntity>(), It.IsAny<ETag>(), TableUpdateMode.Merge, It.IsAny<CancellationToken>()))
                .Callback((TableEntity _, ETag etag, TableUpdateMode _, CancellationToken _) => fence = etag)
                .ReturnsAsync(() => NoContent());
            DeleteAnswers(() => NoContent());

            Assert.Equal(Outcome.Done, await Memberships.DeleteParticipantAsync(Account, Participant, Precondition.None, CancellationToken.None));
            Assert.Equal(new ETag("1"), fence);
        }

        private void DeleteAnswers(Func<Response> answer)
            => _participants.Setup(table => table.SubmitTransactionAsync(
                    It.Is<IEnumerable<TableTransactionAction>>(actions => actions.Single().ActionType == TableTransactionActionType.Delete && actions.Single().ETag == new ETag("participant")),
                    It.IsAny<CancellationToken>()))
                .ReturnsAsync(() => Response.FromValue<IReadOnlyList<Response>>([], answer()));
    }

    private static FakeResponse NoContent(string etag = "new") => new(204, etag);

    private static void Finds(Mock<TableClient> table, Func<TableEntity?> row)
        => table.Setup(client => client.GetEntityIfExistsAsync<TableEntity>(It.IsAny<string>(), It.IsAny<string>(), null, It.IsAny<CancellationToken>()))
            .ReturnsAsync(() => row() is { } found ? Response.FromValue(found, new FakeResponse(200)) : new NoRow());

    private void Queries(params TableEntity[][] pages) => Queries([.. pages.Select<TableEntity[], Func<TableEntity[]>>(page => () => page)]);

    private void Queries(TableEntity[] first, Func<TableEntity[]> second) => Queries([() => first, second]);

    /// <summary>Answers each query of the session's partition with the next of <paramref name="pages"/>, and then with the last.</summary>
    private void Queries(Func<TableEntity[]>[] pages)
    {
        var query = 0;
        _sessions.Setup(table => table.QueryAsync<TableEntity>(It.IsAny<string>(), null, null, It.IsAny<CancellationToken>()))
            .Returns(() => AsyncPageable<TableEntity>.FromPages(
                [Page<TableEntity>.FromValues(pages[Math.Min(query++, pages.Length - 1)](), null, new FakeResponse(200))]));
    }

    private void SubmitAnswers(Func<Response> answer, Action<IReadOnlyList<TableTransactionAction>>? sent = null)
        => _sessions.Setup(table => table.SubmitTransactionAsync(It.IsAny<IEnumerable<TableTransactionAction>>(), It.IsAny<CancellationToken>()))
            .Callback((IEnumerable<TableTransactionAction> actions, CancellationToken _) => sent?.Invoke([.. actions]))
            .ReturnsAsync(() => Response.FromValue<IReadOnlyList<Response>>([], answer()));

    private void MergeAnswers(Func<Response> answer, Action<ETag>? sent = null)
        => _participants.Setup(table => table.UpdateEntityAsync(It.IsAny<TableEntity>(), It.IsAny<ETag>(), TableUpdateMode.Merge, It.IsAny<CancellationToken>()))
            .Callback((TableEntity _, ETag etag, TableUpdateMode _, CancellationToken _) => sent?.Invoke(etag))
            .ReturnsAsync(answer);

    private static TableEntity Header(string etag, string? writeId = null) => new($"{Account}:{Session}", "session")
    {
        ETag = new(etag),
        ["Created"] = DateTimeOffset.UtcNow,
        ["Expires"] = DateTimeOffset.UtcNow.AddHours(1),
        ["Version"] = "first",
        ["WriteId"] = writeId ?? "first",
    };

    private static TableEntity Member(string writeId = "another")
    {
        var row = ParticipantRow();
        row.PartitionKey = $"{Account}:{Session}";
        row.RowKey = $"member:{Participant}";
        row["Joined"] = DateTimeOffset.UtcNow;
        row["WriteId"] = writeId;
        row["Subscriptions"] = "{}"u8.ToArray();
        return row;
    }

    private static TableEntity ParticipantRow() => ParticipantRow(Session.ToString());

    private static TableEntity ParticipantRow(string claim) => new($"{Account}:{Participant}", "participant")
    {
        ETag = new("participant"),
        ["Created"] = DateTimeOffset.UtcNow,
        ["Expires"] = DateTimeOffset.UtcNow.AddHours(1),
        ["SessionId"] = claim,
        ["Tag"] = "tag",
        ["PublishPermissions"] = "",
        ["DeviceApiVersion"] = "V3",
    };

    private sealed class NoRow : NullableResponse<TableEntity>
    {
        public override bool HasValue => false;

        public override TableEntity Value => throw new InvalidOperationException();

        public override Response GetRawResponse() => new FakeResponse(404);
    }

    private sealed class FakeResponse(int status, string? etag = null) : Response
    {
        public override int Status => status;

        public override string ReasonPhrase => "";

        public override Stream? ContentStream { get; set; }

        public override string ClientRequestId { get; set; } = "";

        public override void Dispose()
        {
        }

        protected override bool ContainsHeader(string name) => TryGetHeader(name, out _);

        protected override IEnumerable<HttpHeader> EnumerateHeaders() => [];

        protected override bool TryGetHeader(string name, [NotNullWhen(true)] out string? value)
        {
            value = name == "ETag" && etag is not null ? $"\"{etag}\"" : null;
            return value is not null;
        }

        protected override bool TryGetHeaderValues(string name, [NotNullWhen(true)] out IEnumerable<string>? values)
        {
            values = TryGetHeader(name, out var value) ? [value] : null;
            return values is not null;
        }
    }
}
