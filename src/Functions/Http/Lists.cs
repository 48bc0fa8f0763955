using System.Collections.Specialized;
using System.Globalization;
using System.Web;
using Microsoft.Azure.Functions.Worker.Http;
using Sessions.Model;

namespace Sessions.Http;

/// <summary>The query parameters of a list, and the link to its next page.</summary>
internal static class Lists
{
    private const string After = "after";
    private const string Tag = "tag";
    private const string TagPrefix = "tagPrefix";

    /// <summary>The reply 400 for a limit that is not a number in the range.</summary>
    public static Reply BadLimit => Reply.BadRequest($"limit: expected a number from 1 to {Model.ListQuery.MaxLimit}.");

    /// <summary>Reads the most entries of a page from <c>limit</c>. Returns null if it is not a number in the range.</summary>
    public static int? Limit(this NameValueCollection query)
    {
        if (query["limit"] is not { } text)
            return Model.ListQuery.DefaultLimit;

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) && limit is >= 1 and <= Model.ListQuery.MaxLimit
            ? limit
            : null;
    }

    /// <summary>Reads <c>after</c>, <c>limit</c>, and either <c>tag</c> or <c>tagPrefix</c>.</summary>
    public static Input<ListQuery> ListQuery(this HttpRequestData request)
    {
        var query = request.Query;
        Guid? after = null;
        if (query[After] is { } cursor)
        {
            if (!Guid.TryParseExact(cursor, "D", out var id))
                return Refuse(After, "the id of the last entry of the previous page");
            after = id;
        }

        if (query.Limit() is not { } limit)
            return new(null, BadLimit);

        var (tag, prefix) = (query[Tag], query[TagPrefix]);
        if (tag is not null && prefix is not null)
            return Refuse(TagPrefix, $"no {Tag} in the same request");
        if (IsTooLong(tag))
            return Refuse(Tag, $"at most {NewSession.MaxTagLength} characters");
        if (IsTooLong(prefix))
            return Refuse(TagPrefix, $"at most {NewSession.MaxTagLength} characters");

        return new(new(after, limit, tag, prefix), null);

        static bool IsTooLong(string? text) => text?.EnumerateRunes().Count() > NewSession.MaxTagLength;
    }

    /// <summary>The link to the next page (RFC 8288), relative to the server, or null at the end.</summary>
    public static (string Name, string Value)? NextLink(this HttpRequestData request, Guid? next)
    {
        if (next is null)
            return null;

        var query = HttpUtility.ParseQueryString(request.Url.Query);
        query[After] = next.ToString();
        return ("Link", $"<{request.Url.AbsolutePath}?{query}>; rel=\"next\"");
    }

    private static Input<ListQuery> Refuse(string field, string expected) => new(null, Reply.BadRequest($"{field}: expected {expected}."));
}
