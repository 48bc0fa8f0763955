using System.Net;
using System.Reflection;
using System.Text.Json;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Http;
using Sessions.Endpoints;
using Sessions.Tests.Infrastructure;

namespace Sessions.Tests;

/// <summary>Routes that meet the rules of the Functions host, and requests that no operation accepts.</summary>
public sealed class RoutingTests(Server server) : IClassFixture<Server>
{
    private static readonly string[] Methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"];

    public static TheoryData<string> Names => [.. HttpFunction.All.Select(function => function.Name)];

    public static TheoryData<string> Routes => [.. HttpFunction.All.Where(function => function.Name != "ZFallback").Select(function => function.Route).Distinct()];

    [Fact]
    public async Task The_README_lists_every_HTTP_function()
    {
        var operations = from line in await File.ReadAllLinesAsync(Path.Combine(Bicep.RepositoryFolder, "README.md"))
                         let cells = line.Split('|', StringSplitOptions.TrimEntries)
                         where cells.Length == 5 && cells[2].Contains(" /", StringComparison.Ordinal)
                         select $"{cells[1]} {cells[2].Replace(" /", " v1/accounts/{accountId}/", StringComparison.Ordinal)}";

        Assert.Equal(
            operations.Append("health GET health").Append("getOpenApi GET openapi.json").Append("zFallback  {*path}").Order(StringComparer.Ordinal),
            HttpFunction.All
                .Select(function => $"{function.Operation} {string.Join(',', function.Methods.Where(method => method != "head")).ToUpperInvariant()} {function.Route}")
                .Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Exactly_the_functions_with_GET_also_accept_HEAD()
        => Assert.All(
            HttpFunction.All,
            function => Assert.Equal(function.Methods.Contains("get") ? ["get", "head"] : function.Methods.Except(["get", "head"]), function.Methods));

    [Fact]
    public void No_two_functions_can_match_the_same_request()
    {
        var functions = HttpFunction.All.Where(function => function.Name != "ZFallback").ToArray();
        var pairs = from one in functions
                    from other in functions
                    where string.CompareOrdinal(one.Name, other.Name) < 0
                        && one.Methods.Intersect(other.Methods, StringComparer.OrdinalIgnoreCase).Any()
                        && CanMatchTheSamePath(one.Route.Split('/'), other.Route.Split('/'))
                    select $"{one.Name} and {other.Name}";

        Assert.Empty(pairs);
    }

    [Fact]
    public void The_fallback_function_is_last_in_name_order()
        => Assert.Equal("ZFallback", HttpFunction.All.Select(function => function.Name).Order(StringComparer.OrdinalIgnoreCase).Last());

    [Theory]
    [MemberData(nameof(Names))]
    public void A_function_has_a_declaration_that_the_Functions_host_accepts(string name)
    {
        var function = HttpFunction.All.Single(function => function.Name == name);
        Assert.Equal(AuthorizationLevel.Anonymous, function.Level);
        Assert.False(function.Route.StartsWith('/'));
        Assert.False(function.Route.StartsWith("admin", StringComparison.OrdinalIgnoreCase));
        Assert.False(function.Route.StartsWith("runtime", StringComparison.OrdinalIgnoreCase));

        // The host would bind any other parameter from the query string or the body, and could fail to convert a parameter of another type.
        Assert.All(function.Method.GetParameters(), parameter => Assert.True(
            parameter.ParameterType == typeof(HttpRequestData)
            || (parameter.ParameterType == typeof(string) && function.Route.Contains($"{{{parameter.Name}}}", StringComparison.Ordinal))));
    }

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task An_unsupported_method_returns_405_with_the_supported_methods_in_Allow(string route)
    {
        string[] declared = [.. HttpFunction.All.Where(function => function.Route == route).SelectMany(function => function.Methods).Select(method => method.ToUpperInvariant())];
        foreach (var method in Methods.Except(declared))
        {
            foreach (var path in new[] { $"/{route.Replace("{", "", StringComparison.Ordinal).Replace("}", "", StringComparison.Ordinal)}", $"/{route.ToUpperInvariant()}/" })
            {
                var answer = await SendAsync(method, path);

                Assert.Equal(declared.Order(), answer.ContentHeaders.Allow.Order());
                if (method == "HEAD")
                    Assert.Equal((HttpStatusCode.MethodNotAllowed, ""), (answer.Status, answer.Body));
                else
                    answer.IsError(HttpStatusCode.MethodNotAllowed, $"This path supports only {string.Join(", ", answer.ContentHeaders.Allow)}.");
            }
        }
    }

    [Theory]
    [InlineData("POST", "/v1")]
    [InlineData("GET", "/v1/accounts/a")]
    [InlineData("POST", "/v2/accounts/a/sessions")]
    [InlineData("POST", "/v1/accounts/a/sessions//")]
    [InlineData("POST", "/v1/accounts//sessions")]
    [InlineData("GET", "/a//b")]
    [InlineData("GET", "/x//")]
    [InlineData("GET", "/v1/accounts/a/sessions/b/participants/c/subscriptions/d")]
    [InlineData("DELETE", "/v1/accounts/a/sessions/b/members")]
    [InlineData("OPTIONS", "/favicon.ico")]
    [InlineData("GET", "/health/live")]
    public async Task An_unknown_path_returns_404(string method, string path)
        => (await SendAsync(method, path)).IsError(HttpStatusCode.NotFound, "This path does not exist.");

    [Theory]
    [InlineData("POST", "//v1/accounts/a/sessions")]
    [InlineData("GET", "//health")]
    [InlineData("GET", "//")]
    [InlineData("GET", "///health")]
    public async Task A_path_that_starts_with_two_slashes_reaches_no_function(string method, string path)
    {
        var answer = await server.SendRawAsync($"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("x-request-id", answer, StringComparison.OrdinalIgnoreCase);
        Assert.EndsWith("\r\n\r\n", answer, StringComparison.Ordinal);
    }

    [Fact]
    public void The_Functions_host_adds_no_route_prefix()
    {
        var host = JsonElement.Parse(File.ReadAllText(Path.Combine(Bicep.RepositoryFolder, "host.json")));

        Assert.Equal("", host.GetProperty("extensions").GetProperty("http").GetProperty("routePrefix").GetString());
    }

    [Fact]
    public void Expired_rows_are_deleted_every_ten_minutes()
    {
        var trigger = typeof(SweepExpired).GetMethod(nameof(SweepExpired.Run))!.GetParameters()
            .Select(parameter => parameter.GetCustomAttribute<TimerTriggerAttribute>()).OfType<TimerTriggerAttribute>().Single();

        Assert.Equal("0 */10 * * * *", trigger.Schedule);
        Assert.Equal(TimeSpan.FromMinutes(10), SweepExpired.Period);
    }

    // Program.cs is not compiled if the worker's packages are missing, so the test checks its text.
    [Fact]
    public void The_Functions_app_registers_the_services_and_the_telemetry()
        => Assert.Contains(
            "builder.Services.AddSessions(builder.Configuration).AddSessionsTelemetry(builder.Configuration);",
            File.ReadAllText(Path.Combine(Bicep.RepositoryFolder, "src", "Functions", "Program.cs")),
            StringComparison.Ordinal);

    private async Task<Answer> SendAsync(string method, string path)
    {
        using var request = new HttpRequestMessage(new(method), $"{server.Url.GetLeftPart(UriPartial.Authority)}{path}");
        using var response = await server.Http.SendAsync(request);
        return new(response.StatusCode, await response.Content.ReadAsStringAsync(), response.Headers, response.Content.Headers);
    }

    private static bool CanMatchTheSamePath(string[] one, string[] other)
        => one.Length == other.Length && one.Zip(other).All(pair =>
            pair.First[0] == '{' || pair.Second[0] == '{' || pair.First.Equals(pair.Second, StringComparison.OrdinalIgnoreCase));
}
