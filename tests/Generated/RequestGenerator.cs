using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;

namespace Sessions.Tests.Generated;

/// <summary>Generates valid requests, valid requests with a change, and nonsense.</summary>
internal static class RequestGenerator
{
    private static readonly string[] Methods = ["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "get", "BREW"];

    private static readonly Gen<string> Text = ArbMap.Default.GeneratorFor<string>().Select(text => text ?? "");

    private static readonly Gen<string> SessionId = Gen.Choose(0, 9).Select(number => $"{{s{number}}}");

    private static readonly Gen<string> ParticipantId = Gen.Choose(0, 9).Select(number => $"{{p{number}}}");

    private static readonly Gen<string> Permission = Gen.Elements("AUDIO", "VIDEO", "audio", "Video");

    private static readonly Gen<string> SessionBody = Text.Select(tag => $$"""{"tag":{{Json(tag)}}}""");

    private static readonly Gen<string> ParticipantBody =
        from tag in Text
        from url in Gen.Elements("https://example.com/a?b=c", "http://[::1]:8080/", "HTTPS://EXAMPLE.COM", "http://é.example")
        from permissions in Gen.ListOf(Permission)
        from version in Gen.Elements("V2", "V3", "v2")
        select $$"""{"tag":{{Json(tag)}},"callbackUrl":{{Json(url)}},"publishPermissions":{{Json(permissions.Take(5))}},"deviceApiVersion":"{{version}}"}""";

    private static readonly Gen<string> SubscribedBody =
        from session in SessionId
        from participants in Gen.ListOf(Gen.Zip(ParticipantId, Gen.ListOf(Text)))
        select $$"""{"sessionId":"{{session}}","participants":[{{string.Join(',', participants.Take(110).Select(item => $$"""{"participantId":"{{item.Item1}}","streamAliases":{{Json(item.Item2.Take(60))}}}"""))}}]}""";

    private static readonly Gen<string> AnyJson = Gen.Sized(size => JsonOf(Math.Min(size, 6)));

    private static readonly Gen<string> Body = Gen.Frequency(
        (3, Gen.Elements("", "null", "[]", "{}")), (3, SessionBody), (3, ParticipantBody), (4, SubscribedBody), (3, AnyJson), (1, Text),
        (1, Gen.Choose(1, 300).Select(depth => new string('[', depth))),
        (1, Gen.Choose(1, 300).Select(depth => string.Concat(Enumerable.Repeat("{\"tag\":", depth)))),
        (1, Gen.Choose(60_000, 70_000).Select(length => $$"""{"tag":"a"{{new string(' ', length)}}}""")));

    private static readonly Gen<(string Method, string Path)> Operation =
        from session in SessionId
        from participant in ParticipantId
        from operation in Gen.Elements(
            ("POST", "/sessions"), ("POST", "/participants"), ("POST", "/sessions"), ("POST", "/participants"),
            ("GET", $"/sessions/{session}"), ("DELETE", $"/sessions/{session}"), ("GET", $"/sessions/{session}/participants"),
            ("PUT", $"/sessions/{session}/participants/{participant}"), ("DELETE", $"/sessions/{session}/participants/{participant}"),
            ("GET", $"/sessions/{session}/participants/{participant}/subscriptions"), ("PUT", $"/sessions/{session}/participants/{participant}/subscriptions"),
            ("GET", $"/participants/{participant}"), ("DELETE", $"/participants/{participant}"))
        select (operation.Item1, $"/v1/accounts/{SimulatedServer.Account}{operation.Item2}");

    private static readonly Gen<string> Authorization = Gen.Frequency(
        (30, Gen.Constant(Account.Basic(Account.Writer, Server.Secret))),
        (1, Gen.Constant(Account.Basic(Account.Writer, "wrong"))),
        (1, Text.Select(text => $"Basic {text}")),
        (1, Gen.Zip(Text, Text).Select(pair => Account.Basic(pair.Item1, pair.Item2))),
        (1, Text));

    private static readonly Gen<(string Name, string Value)> OtherHeader =
        from name in Gen.Elements("If-Match", "If-None-Match", "Idempotency-Key", "Content-Type", "Content-Length", "Accept", "traceparent", "X-Forwarded-For", "Transfer-Encoding")
        from value in Gen.OneOf(Text, Gen.Elements("*", "\"tag\"", "W/\"tag\"", "\"", "99999999999999999999", "-1", "key", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))
        select (name, value);

    /// <summary>Plausible and implausible requests.</summary>
    public static Gen<GeneratedRequest> Requests { get; } =
        from operation in Operation
        from authorization in Authorization
        from others in Gen.Frequency((3, Gen.Constant<IList<(string, string)>>([])), (1, Gen.ListOf(OtherHeader).Resize(3).Select(list => (IList<(string, string)>)[.. list])))
        from body in Body
        from request in Changed(new(operation.Method, operation.Path, "", [("Authorization", authorization), .. others], body))
        select request;

    private static Gen<GeneratedRequest> Changed(GeneratedRequest request) => Gen.Frequency(
        (4, Gen.Constant(request)),
        (1, Gen.Elements(Methods).Select(method => request with { Method = method })),
        (1, Text.Select(text => request with { Path = $"{request.Path}/{Uri.EscapeDataString(text)}" })),
        (1, Text.Select(text => request with { Query = $"?{Uri.EscapeDataString(text)}" })),
        (1, Gen.Zip(Gen.Choose(0, 9), Text).Select(change => request with { Path = ReplaceSegment(request.Path, change.Item1, Uri.EscapeDataString(change.Item2)) })),
        (1, Gen.Choose(0, 9).Select(segment => request with { Path = ReplaceSegment(request.Path, segment, "") })),
        (1, Gen.Choose(0, 9).Select(segment => request with { Path = request.Path.ToUpperInvariant() })),
        (2, Gen.Choose(0, Math.Max(request.Body.Length, 1)).Select(length => request with { Body = request.Body[..Math.Min(length, request.Body.Length)] })),
        (3, Gen.Zip(Gen.Choose(0, request.Body.Length), Gen.Choose(0, 255)).Select(change => request with { Body = request.Body.Insert(change.Item1, $"{(char)change.Item2}") })),
        (2, Gen.Choose(0, Math.Max(request.Body.Length - 1, 0)).Select(index => request with { Body = request.Body.Length == 0 ? "" : request.Body.Remove(index, 1) })));

    private static string ReplaceSegment(string path, int number, string segment)
    {
        var segments = path.Split('/');
        segments[number % segments.Length] = segment;
        return segments[0].Length == 0 ? string.Join('/', segments) : $"/{string.Join('/', segments)}";
    }

    private static Gen<string> JsonOf(int size)
    {
        var leaf = Gen.OneOf(Text.Select(text => Json(text)), Gen.Elements("null", "true", "1e999", "-0", "{}", "[]", "\"\\ud800\"", "12345678901234567890"));
        return size <= 0
            ? leaf
            : Gen.OneOf(
                leaf,
                Gen.ListOf(JsonOf(size / 2)).Resize(4).Select(items => $"[{string.Join(',', items)}]"),
                Gen.ListOf(Gen.Zip(Gen.Elements("tag", "callbackUrl", "sessionId", "participants", "streamAliases", "publishPermissions", "other"), JsonOf(size / 2))).Resize(4)
                    .Select(fields => $"{{{string.Join(',', fields.Select(field => $"\"{field.Item1}\":{field.Item2}"))}}}"));
    }

    private static string Json<T>(T value) => JsonSerializer.Serialize(value);
}
