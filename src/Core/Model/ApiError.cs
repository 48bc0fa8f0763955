using System.Text.Json.Serialization;

namespace Sessions.Model;

/// <summary>The body of every error. It has the fields that the original API's specification names and those that its SDKs read.</summary>
/// <param name="Text">The description of the error.</param>
/// <param name="Message">The same text.</param>
/// <param name="Code">The HTTP status.</param>
/// <param name="RequestId">The request's W3C trace id.</param>
public sealed record ApiError(
    [property: JsonPropertyName("error")] string Text,
    string Message,
    int Code,
    string RequestId);
