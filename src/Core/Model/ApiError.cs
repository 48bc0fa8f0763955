using System.Text.Json.Serialization;

namespace Sessions.Model;

/// <summary>The body of every error: the union of what the original API's specification and its SDKs read.</summary>
/// <param name="Text">What is wrong.</param>
/// <param name="Message">The same text.</param>
/// <param name="Code">The HTTP status.</param>
/// <param name="RequestId">The request's W3C trace id.</param>
public sealed record ApiError(
    [property: JsonPropertyName("error")] string Text,
    string Message,
    int Code,
    string RequestId);
