using System.Security.Cryptography;
using Azure;
using Azure.Data.Tables;
using Sessions.Model;
using Sessions.Storage;

namespace Sessions.Webhooks;

/// <summary>The webhooks of all accounts.</summary>
public sealed class WebhookStore(Tables tables, TimeProvider time)
{
    private const int IdBytes = 8;

    /// <summary>Adds a webhook with a new secret. The account's feed must be on.</summary>
    /// <param name="accountId">The account.</param>
    /// <param name="url">The URL to which events are sent.</param>
    /// <param name="events">The types of events that are sent, or an empty list for every type.</param>
    /// <param name="position">The last entry of the account's log. The webhook gets the later entries.</param>
    /// <param name="cancellation">Cancels the wait.</param>
    /// <exception cref="StorageUnavailableException">It is unknown whether the webhook was stored.</exception>
    public async Task<Webhook> AddAsync(
        AccountId accountId, Uri url, IReadOnlyList<string> events, long position, CancellationToken cancellation)
    {
        var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IdBytes));
        var webhook = new Webhook(accountId, id, url, events, WebhookSecret.Create(), time.GetUtcNow(), position);
        var write = await tables.Credentials.TryAddAsync(WebhookRow.ToEntity(webhook), cancellation);
        return write.Outcome == WriteOutcome.Done || await FindAsync(accountId, id, cancellation) is { } stored && stored.Secret == webhook.Secret
            ? webhook
            : throw new StorageUnavailableException("It is not known whether the webhook is stored.");
    }

    /// <summary>Lists the webhooks of an account, including those that have ended. One query.</summary>
    public IAsyncEnumerable<Webhook> ListAsync(AccountId accountId, CancellationToken cancellation)
        => tables.Credentials.QueryAsync<TableEntity>(
                TableClient.CreateQueryFilter(
                    $"PartitionKey eq {accountId.ToString()} and RowKey ge {Keys.WebhookPrefix} and RowKey lt {Keys.AfterWebhooks}"),
                cancellationToken: cancellation)
            .Select(WebhookRow.From);

    /// <summary>Finds a webhook, even if it has ended. Returns null if it does not exist. One storage call.</summary>
    public async Task<Webhook?> FindAsync(AccountId accountId, string id, CancellationToken cancellation)
        => await tables.Credentials.FindAsync(accountId.ToString(), Keys.Webhook(id), cancellation) is { } row ? WebhookRow.From(row) : null;

    /// <summary>
    /// Removes a webhook and the rows of its deliveries. Returns false if it does not exist. A server that is sending to it stops within a
    /// minute.
    /// </summary>
    /// <exception cref="StorageUnavailableException">It is unknown whether the webhook was removed.</exception>
    public async Task<bool> RemoveAsync(AccountId accountId, string id, CancellationToken cancellation)
    {
        var write = await tables.Credentials.TryDeleteAsync(accountId.ToString(), Keys.Webhook(id), ETag.All, cancellation);
        if (write.Outcome is not (WriteOutcome.Done or WriteOutcome.Missing) && await FindAsync(accountId, id, cancellation) is not null)
            throw new StorageUnavailableException("It is not known whether the webhook is removed.");

        await WebhookRows.DeleteAllAsync(tables.Events, accountId, id, cancellation);
        return write.Outcome != WriteOutcome.Missing;
    }

    /// <summary>
    /// Creates a new secret for a webhook and returns it, or returns null if the webhook does not exist. The previous secret also signs for
    /// <paramref name="keep"/>, so that a receiver has time to change to the new one.
    /// </summary>
    public async Task<string?> RotateAsync(AccountId accountId, string id, TimeSpan keep, CancellationToken cancellation)
    {
        var budget = new RetryBudget(time, cancellation);
        var secret = WebhookSecret.Create();
        while (await FindAsync(accountId, id, cancellation) is { } stored)
        {
            // The write succeeded, but its response was lost.
            if (stored.Secret == secret)
                return secret;

            var change = WebhookRow.SecretChange(stored, secret, time.GetUtcNow() + keep);
            if ((await tables.Credentials.TryMergeAsync(change, stored.ETag, cancellation)).Outcome == WriteOutcome.Done)
                return secret;

            await budget.PauseAsync();
        }

        return null;
    }

    /// <summary>Ends a webhook, so that nothing more is sent to it. Its row stays, with the reason.</summary>
    internal Task<Write> EndAsync(Webhook webhook, string because, CancellationToken cancellation)
        => tables.Credentials.TryMergeAsync(WebhookRow.EndChange(webhook, time.GetUtcNow(), because), ETag.All, cancellation);
}
