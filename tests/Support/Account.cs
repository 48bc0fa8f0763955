using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Azure;
using Azure.Data.Tables;
using Sessions.Model;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.Tests;

/// <summary>A response as a client receives it.</summary>
public sealed record Answer(HttpStatusCode Status, string Body, HttpResponseHeaders Headers, HttpContentHeaders ContentHeaders)
{
    public JsonElement Json => JsonElement.Parse(Body);

    public string RequestId => Headers.GetValues("x-request-id").Single();

    /// <summary>The response is a success with exactly this body.</summary>
    public void Is(HttpStatusCode status, string body = "")
    {
        Assert.Equal(status, Status);
        Assert.True(
            body.Length == 0 ? Body.Length == 0 : JsonElement.DeepEquals(JsonElement.Parse(body), Json), $"Expected {body}, got {Body}");
        Assert.Equal(body.Length == 0 ? null : "application/json", ContentHeaders.ContentType?.ToString());
        Assert.Matches("^[0-9a-f]{32}$", RequestId);
    }

    /// <summary>The response is an error with exactly this text.</summary>
    public void IsError(HttpStatusCode status, string error)
    {
        Assert.Equal(status, Status);
        Assert.Equal("application/json", ContentHeaders.ContentType?.ToString());
        Assert.Matches("^[0-9a-f]{32}$", RequestId);
        var text = JsonSerializer.Serialize(error, JsonSerializerOptions.Web);
        var expected = $$"""{"error":{{text}},"message":{{text}},"code":{{(int)status}},"requestId":"{{RequestId}}"}""";
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(expected), Json), $"Expected {expected}, got {Body}");
    }
}

/// <summary>An account with its credentials and its rows.</summary>
public sealed class Account(ApiServer server, string id)
{
    public const string Writer = "writer";

    public string Id => id;

    public string Path => $"/v1/accounts/{id}";

    public Task AddUserAsync(string user, string secret, Access access)
        => server.Credentials.SaveAsync(AccountId.Parse(id), user, new(BasicCredentials.Hash(secret), access), CancellationToken.None);

    /// <summary>
    /// Sends a request as the writer, or with another <paramref name="authorization"/>. The path is relative to the account's.
    /// </summary>
    public async Task<Answer> SendAsync(
        HttpMethod method,
        string path,
        string? body = null,
        string? contentType = "application/json",
        string? authorization = null,
        CancellationToken cancellation = default,
        params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, Path + path);
        request.Headers.TryAddWithoutValidation("Authorization", authorization ?? Basic(Writer, ApiServer.Secret));
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        }

        using var response = await server.Http.SendAsync(request, cancellation);
        return new(response.StatusCode, await response.Content.ReadAsStringAsync(cancellation), response.Headers, response.Content.Headers);
    }

    public Task<Answer> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    public Task<Answer> PostAsync(string path, string? body = null) => SendAsync(HttpMethod.Post, path, body);

    public Task<Answer> PutAsync(string path, string? body = null) => SendAsync(HttpMethod.Put, path, body);

    public Task<Answer> DeleteAsync(string path) => SendAsync(HttpMethod.Delete, path);

    public async Task<string> CreateSessionAsync(string? body = null)
    {
        var answer = await PostAsync("/sessions", body);
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        return answer.Json.GetProperty("id").GetString()!;
    }

    public async Task<string> CreateParticipantAsync(string? body = null)
    {
        var answer = await PostAsync("/participants", body);
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        return answer.Json.GetProperty("participant").GetProperty("id").GetString()!;
    }

    /// <summary>Adds a participant to a session.</summary>
    public async Task JoinAsync(string session, string participant, string? body = null)
        => (await PutAsync($"/sessions/{session}/participants/{participant}", body)).Is(HttpStatusCode.NoContent);

    /// <summary>Creates a session with a new participant in it.</summary>
    public async Task<(string Session, string Participant)> CreateMemberAsync(string? body = null)
    {
        var (session, participant) = (await CreateSessionAsync(), await CreateParticipantAsync());
        await JoinAsync(session, participant, body);
        return (session, participant);
    }

    /// <summary>Removes a participant from its session like a leave that crashes before it clears the claim.</summary>
    public async Task LeaveBehindAClaimAsync(string session, string participant)
    {
        var partition = await SessionPartition.FindAsync(server.Tables.Sessions, AccountId.Parse(id), new(Guid.Parse(session)), CancellationToken.None);
        var write = await partition!.RemoveAsync(
            new(Guid.Parse(participant)),
            LeaveReasons.Removed,
            ETag.All,
            Guid.NewGuid(),
            ChangeTime.At(DateTimeOffset.UtcNow, SessionsOptions.DefaultEventRetention),
            CancellationToken.None);
        Assert.Equal(WriteOutcome.Done, write.Outcome);
    }

    /// <summary>
    /// Every row of the account's sessions and participants with every column, including ETags and timestamps. Events, which remain, are
    /// not included.
    /// </summary>
    public Task<IReadOnlyList<string>> RowsAsync() => RowsAsync(row => !Keys.IsEvent(row.RowKey));

    /// <summary>The rows of the account's outboxes.</summary>
    public Task<IReadOnlyList<string>> EventRowsAsync() => RowsAsync(row => Keys.IsEvent(row.RowKey));

    /// <summary>Checks that <paramref name="action"/> changes no row.</summary>
    public async Task<Answer> ChangesNothingAsync(Func<Task<Answer>> action)
    {
        var before = await AllRowsAsync();
        var answer = await action();
        Assert.Equal(before, await AllRowsAsync());
        return answer;

        Task<IReadOnlyList<string>> AllRowsAsync() => RowsAsync(_ => true);
    }

    private async Task<IReadOnlyList<string>> RowsAsync(Func<TableEntity, bool> isWanted)
    {
        List<string> rows = [];
        foreach (var table in new[] { server.Tables.Sessions, server.Tables.Participants })
        {
            var (first, last) = ($"{id}:", $"{id};");
            await foreach (var row in table.QueryAsync<TableEntity>(TableClient.CreateQueryFilter($"PartitionKey gt {first} and PartitionKey lt {last}")).Where(isWanted))
            {
                var columns = row.OrderBy(column => column.Key, StringComparer.Ordinal).Select(column =>
                    $"{column.Key}={(column.Value is byte[] bytes ? Encoding.UTF8.GetString(bytes) : Convert.ToString(column.Value, CultureInfo.InvariantCulture))}");
                rows.Add($"{table.Name}: {string.Join(", ", columns)}");
            }
        }

        return rows;
    }

    public static string Basic(string user, string secret) => $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{secret}"))}";
}
