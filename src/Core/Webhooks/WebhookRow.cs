using Azure.Data.Tables;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Webhooks;

/// <summary>The row of a webhook, in the partition of its account's users.</summary>
internal static class WebhookRow
{
    private const char Separator = ',';

    public static TableEntity ToEntity(Webhook webhook) => new(webhook.AccountId.ToString(), Keys.Webhook(webhook.Id))
    {
        [Columns.Url] = webhook.Url.AbsoluteUri,
        [Columns.Events] = string.Join(Separator, webhook.Events),
        [Columns.Secret] = webhook.Secret,
        [Columns.Created] = webhook.Created,
        [Columns.Position] = webhook.Position,
    };

    public static Webhook From(TableEntity row) => new(
        AccountId.Parse(row.PartitionKey),
        Keys.WebhookIdOf(row.RowKey),
        new(row.GetString(Columns.Url)),
        row.GetString(Columns.Events).Split(Separator, StringSplitOptions.RemoveEmptyEntries),
        row.GetString(Columns.Secret),
        row.GetDateTimeOffset(Columns.Created)!.Value,
        row.GetInt64(Columns.Position)!.Value)
    {
        Previous = row.GetString(Columns.PreviousSecret) is { } previous ? (previous, row.GetDateTimeOffset(Columns.PreviousExpires)!.Value) : null,
        Ended = row.GetDateTimeOffset(Columns.EndedAt) is { } at ? (at, row.GetString(Columns.EndedBecause)) : null,
        ETag = row.ETag,
    };

    /// <summary>The columns that change when the secret is rotated.</summary>
    public static TableEntity SecretChange(Webhook webhook, string secret, DateTimeOffset previousExpires)
        => new(webhook.AccountId.ToString(), Keys.Webhook(webhook.Id))
        {
            [Columns.Secret] = secret,
            [Columns.PreviousSecret] = webhook.Secret,
            [Columns.PreviousExpires] = previousExpires,
        };

    /// <summary>The columns that change when a webhook ends.</summary>
    public static TableEntity EndChange(Webhook webhook, DateTimeOffset at, string because)
        => new(webhook.AccountId.ToString(), Keys.Webhook(webhook.Id)) { [Columns.EndedAt] = at, [Columns.EndedBecause] = because };
}
