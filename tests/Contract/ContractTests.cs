using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.OpenApi;

namespace Sessions.Tests.Contract;

/// <summary>
/// The OpenAPI document is the contract of the API. Every other test of the suite checks its responses against it
/// (<see cref="ContractHandler"/>). These tests check that everything in the document occurs in a response.
/// </summary>
public sealed partial class ContractTests(ContractStory story) : IClassFixture<ContractStory>
{
    private static readonly OpenApiContract Contract = OpenApiContract.Instance;

    public static TheoryData<string> Operations => [.. Contract.Operations.Select(operation => operation.Id)];

    [Fact]
    public void The_document_is_valid_OpenAPI_3_1()
    {
        var (document, diagnostic) = OpenApiDocument.Parse(Contract.Json, "json");

        Assert.NotNull(document);
        Assert.Equal(OpenApiSpecVersion.OpenApi3_1, diagnostic!.SpecificationVersion);
        Assert.Empty(diagnostic.Errors.Concat(diagnostic.Warnings).Select(error => $"{error.Pointer} {error.Message}"));
    }

    [Fact]
    public void The_document_describes_exactly_the_HTTP_functions()
        => Assert.Equal(
            HttpFunction.All.Where(function => function.Name != "ZFallback").Select(function => $"{function.Operation} {function.Methods[0]} /{function.Route}")
                .Append("getRoot get /").Order(StringComparer.Ordinal),
            (from path in Contract.Root["paths"].Members
             from member in path.Place.Members
             where member.Place.Find("operationId") is not null
             let server = path.Place.Find("servers") is null ? "/v1" : ""
             select $"{member.Place["operationId"].Value} {member.Name} {server}{path.Name}").Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Operations))]
    public void Every_documented_response_and_parameter_occurs(string id)
    {
        var operation = Contract.Operations.Single(operation => operation.Id == id);
        var documented = operation.Responses.SelectMany(response => (response.Response.Find("headers")?.Members ?? [])
                .Select(header => $"{id} {response.Status} header {header.Name}")
                .Append($"{id} {response.Status}"))
            .Concat(operation.Parameters.Select(parameter => $"{id} parameter {parameter["name"].Value}"));

        Assert.Empty(documented.Except(story.Log.Seen));
    }

    [Fact]
    public void Every_documented_field_and_alternative_of_a_body_occurs()
    {
        var roots = Contract.Operations.SelectMany(operation => operation.Responses.Select(response => response.Response.Find("content")?["application/json"]).Append(operation.RequestBody));
        HashSet<string> places = [];
        foreach (var media in roots.OfType<Place>())
            Collect(media["schema"], places);

        Assert.NotEmpty(places);
        string[] unseen = [.. places.Except(story.Log.Seen)];
        Assert.True(unseen is [], string.Join(Environment.NewLine, unseen));
    }

    [Theory]
    [MemberData(nameof(Operations))]
    public void Every_example_is_a_real_request_or_response(string id)
    {
        var operation = Contract.Operations.Single(operation => operation.Id == id);
        var exchanges = story.Log.Exchanges.Where(seen => seen.Operation == id).Select(seen => seen.Exchange).ToArray();
        var requests = exchanges.Where(exchange => exchange.IsSuccess).Select(exchange => Normalize(exchange.RequestBody)).ToHashSet();
        if (operation.RequestBody is { } body)
            Assert.Empty(ExamplesIn(body).Select(Normalize).Except(requests));

        foreach (var (status, response) in operation.Responses)
        {
            var bodies = exchanges.Where(exchange => $"{(int)exchange.Status}" == status).Select(exchange => Normalize(exchange.Body)).ToHashSet();
            var examples = ExamplesIn(response.Find("content")?["application/json"]).Select(Normalize).ToArray();

            // Operations share the examples of an error, so each operation must have at least one of them.
            if (status.StartsWith('2'))
                Assert.Empty(examples.Except(bodies));
            else
                Assert.True(examples is [] || examples.Any(bodies.Contains), $"{id} {status}: no response is one of {string.Join(' ', examples)}.");
        }
    }

    [Fact]
    public void Every_example_of_an_error_is_a_real_response()
    {
        var bodies = story.Log.Exchanges.Select(seen => Normalize(seen.Exchange.Body)).ToHashSet();
        var examples = Contract.Root["components", "responses"].Members
            .Where(response => response.Name is not ("noSuchPath" or "methodNotAllowed"))
            .SelectMany(response => ExamplesIn(response.Place.Find("content")?["application/json"]));

        Assert.Empty(examples.Select(Normalize).Except(bodies));
    }

    [Theory]
    [InlineData("GET", "/nothing", "noSuchPath")]
    [InlineData("PUT", "/v1/accounts/9900000/sessions/0199a3c2-7c4e-7d10-b1f3-a0c2d4e6f801", "methodNotAllowed")]
    public async Task An_error_outside_of_the_operations_matches_the_document(string method, string path, string response)
    {
        using var request = new HttpRequestMessage(new(method), path);
        using var answer = await story.Http.SendAsync(request);

        Assert.Equal(
            ExamplesIn(Contract.Root["components", "responses", response, "content", "application/json"]).Select(Normalize).Single(),
            Normalize(await answer.Content.ReadAsStringAsync()));
    }

    [Fact]
    public void Every_webhook_message_matches_the_document_and_every_event_type_occurs()
    {
        var operation = Contract.Root["webhooks", "event", "post"];
        var media = operation["requestBody", "content", "application/json"];
        var alternatives = media["schema", "oneOf"].Items.ToArray();

        Assert.All(story.Messages, message => Assert.Null(Contract.CheckValue(media["schema"], message.Json)));
        Assert.All(alternatives, type => Assert.Contains(story.Messages, message => Contract.CheckValue(type, message.Json) is null));
        Assert.Contains(Normalize(ExamplesIn(media).Single()), story.Messages.Select(message => Normalize(message.Body)));
        Assert.All(story.Messages, message => Assert.All(
            new[] { ("webhook-id", message.Id), ("webhook-signature", message.Signature) },
            header => Assert.Null(Contract.CheckValue(
                operation["parameters"].Items.Single(parameter => parameter["name"].Value.ValueEquals(header.Item1))["schema"],
                JsonSerializer.SerializeToElement(header.Item2)))));
    }

    [Fact]
    public void The_example_of_a_callback_matches_its_schema()
    {
        var callback = Contract.Operations.Single(operation => operation.Id == "createParticipant").Place["callbacks", "participantEvent", "{$request.body#/callbackUrl}", "post"];
        var media = callback["requestBody", "content", "application/json"];

        Assert.Null(Contract.CheckValue(media["schema"], JsonElement.Parse(ExamplesIn(media).Single())));
    }

    [Fact]
    public async Task The_document_is_served_unchanged()
    {
        using var response = await story.Http.GetAsync("/openapi.json");

        Assert.Equal("application/json", response.Content.Headers.ContentType?.ToString());
        Assert.Equal(Contract.Json, await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Every_link_of_the_root_works()
    {
        using var root = await story.Http.GetAsync("/?any=query");
        var links = JsonElement.Parse(await root.Content.ReadAsStringAsync()).GetProperty("links");

        Assert.Equal(["/v1", "/health", "/openapi.json"], links.EnumerateObject().Select(link => link.Value.GetString()));
        story.Time.Advance(TimeSpan.FromSeconds(2));
        foreach (var link in new[] { "health", "openapi" })
        {
            using var response = await story.Http.GetAsync(links.GetProperty(link).GetString());
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }
    }

    /// <summary>The check finds a response that differs from a valid one in one way.</summary>
    [Theory]
    [InlineData("an undocumented field", 200, """{"status":"healthy","more":1}""", "x-request-id", "All values fail")]
    [InlineData("a wrong value", 200, """{"status":"ill"}""", "x-request-id", "Expected")]
    [InlineData("a missing field", 200, "{}", "x-request-id", "Required")]
    [InlineData("an undocumented status", 201, """{"status":"healthy"}""", "x-request-id", "does not document the status 201")]
    [InlineData("an undocumented header", 200, """{"status":"healthy"}""", "x-request-id,x-more", "The header x-more is not documented")]
    [InlineData("a missing header", 200, """{"status":"healthy"}""", "", "The header x-request-id is missing")]
    public void An_undocumented_response_is_detected(string difference, int status, string body, string headers, string problem)
    {
        var sent = headers.Split(',', StringSplitOptions.RemoveEmptyEntries).ToDictionary(name => name, _ => "0af7651916cd43dd8448eb211c80319c");
        sent["Content-Type"] = "application/json";

        var problems = Contract.Check(new("GET", new("http://localhost/health"), new Dictionary<string, string>(), "", (HttpStatusCode)status, sent, body), null);

        Assert.True(problems.Count == 1 && problems[0].Contains(problem, StringComparison.Ordinal), $"{difference}: {string.Join(' ', problems)}");
    }

    /// <summary>The places of the fields and alternatives below a schema.</summary>
    private static void Collect(Place schema, HashSet<string> places)
    {
        foreach (var (keyword, place) in schema.Value.ValueKind == JsonValueKind.Object ? schema.Members : [])
        {
            var below = keyword switch
            {
                "properties" => place.Members.Select(member => member.Place),
                "oneOf" or "anyOf" => place.Items,
                "items" => [place],
                _ => [],
            };
            foreach (var one in below.Where(one => places.Add(one.Pointer)))
                Collect(one, places);
        }
    }

    private static IEnumerable<string> ExamplesIn(Place? media)
    {
        if (media?.Find("example") is { } example)
            yield return example.Value.GetRawText();
        foreach (var (_, named) in media?.Find("examples")?.Members ?? [])
            yield return named["value"].Value.GetRawText();
    }

    /// <summary>
    /// JSON in which ids are replaced by numbers in the order of their occurrence, and times, tokens and cursors by one number each.
    /// </summary>
    private static string Normalize(string json)
    {
        if (json.Length == 0)
            return "";

        Dictionary<string, int> ids = [];
        var compact = JsonSerializer.Serialize(JsonElement.Parse(json));
        var timeless = Token().Replace(Time().Replace(Cursor().Replace(compact, "log"), "time"), "token");
        return Id().Replace(timeless, id => $"id{Number(id.Value.Replace("-", "", StringComparison.Ordinal))}");

        int Number(string id) => ids.TryGetValue(id, out var number) ? number : ids[id] = ids.Count + 1;
    }

    [GeneratedRegex("[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", RegexOptions.None, 10_000)]
    private static partial Regex Id();

    [GeneratedRegex(@"\d{4}-\d\d-\d\dT[\d:.]+Z", RegexOptions.None, 10_000)]
    private static partial Regex Time();

    [GeneratedRegex(@"eyJ[\w-]+\.[\w-]+\.[\w-]+", RegexOptions.None, 10_000)]
    private static partial Regex Token();

    [GeneratedRegex(@"log_\d+", RegexOptions.None, 10_000)]
    private static partial Regex Cursor();
}
