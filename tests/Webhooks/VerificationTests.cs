using System.Reflection;
using System.Text.Json.Nodes;
using Sessions.LocalHost;
using Sessions.Webhooks;

namespace Sessions.Tests.Webhooks;

/// <summary>The official library of Standard Webhooks verifies the messages, also while secrets are rotated.</summary>
public sealed class VerificationTests(AzuriteFixture azurite)
{
    private static readonly string WebhooksFolder = typeof(VerificationTests).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(metadata => metadata.Key == nameof(WebhooksFolder)).Value!;

    [Fact]
    public async Task The_official_library_verifies_messages_before_and_after_a_rotation()
    {
        using var bench = await WebhookBench.StartAsync(azurite);
        bench.Time.SetUtcNow(DateTimeOffset.UtcNow); // The library rejects messages older than five minutes.
        await using var receiver = await Receiver.StartAsync();
        var webhook = await bench.AddAsync(receiver);
        var session = Guid.NewGuid();
        await bench.AppendAsync(session);
        await bench.DeliverAsync();
        var fresh = (await bench.Store.RotateAsync(WebhookBench.Account, webhook.Id, TimeSpan.FromHours(1), CancellationToken.None))!;
        await bench.AppendAsync((Model.EventTypes.ParticipantJoined, session, Guid.NewGuid()));
        await bench.DeliverAsync();
        var (first, second) = (receiver.All[0], receiver.All[1]);

        Assert.Equal(
            [
                "true", // With the only secret.
                "false", // With the next secret, too early.
                "true", // After the rotation, with the previous secret.
                "true", // After the rotation, with the new secret.
                "false", // With another body.
                "false", // With another id.
                "false", // With another timestamp.
            ],
            await VerifyAsync(
                (webhook.Secret, first), (fresh, first), (webhook.Secret, second), (fresh, second), (fresh, second with { Body = $"{second.Body} " }),
                (fresh, second with { Id = first.Id }), (fresh, second with { Timestamp = $"{second.Seconds + 1}" })));
    }

    [Fact]
    public async Task The_previous_secret_also_signs_messages_until_it_expires()
    {
        using var bench = await WebhookBench.StartAsync(azurite);
        await using var receiver = await Receiver.StartAsync();
        var webhook = await bench.AddAsync(receiver);
        await bench.Store.RotateAsync(WebhookBench.Account, webhook.Id, TimeSpan.FromHours(1), CancellationToken.None);
        await bench.AppendAsync(Guid.NewGuid());
        await bench.DeliverAsync();
        bench.Time.Advance(TimeSpan.FromHours(1));
        await bench.AppendAsync(Guid.NewGuid());
        await bench.DeliverAsync();

        Assert.Equal([2, 1], receiver.All.Select(received => received.Signature!.Split(' ').Length));
    }

    [Fact]
    public void A_secret_is_32_random_bytes_in_base64()
    {
        var secrets = Enumerable.Range(0, 100).Select(_ => WebhookSecret.Create()).ToArray();

        Assert.All(secrets, secret => Assert.Matches("^whsec_[A-Za-z0-9+/]{43}=$", secret));
        Assert.Equal(secrets.Length, secrets.Distinct().Count());
    }

    private static async Task<IEnumerable<string>> VerifyAsync(params IEnumerable<(string Secret, Received Message)> messages)
    {
        await Node.InstallAsync(WebhooksFolder);
        using var node = Node.Start(new("node", ["verify.mjs"]), WebhooksFolder);
        var input = new JsonArray([.. messages.Select(message => new JsonObject
        {
            ["secret"] = message.Secret,
            ["body"] = message.Message.Body,
            ["headers"] = new JsonObject
            {
                ["webhook-id"] = message.Message.Id,
                ["webhook-timestamp"] = message.Message.Timestamp,
                ["webhook-signature"] = message.Message.Signature,
            },
        })]);
        await node.StandardInput.WriteAsync(input.ToJsonString());
        node.StandardInput.Close();
        var (output, errors) = await node.ReadToEndAsync();
        Assert.True(node.ExitCode == 0, errors);
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
