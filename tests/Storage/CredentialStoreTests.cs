using Azure.Core;
using Azure.Data.Tables;
using Sessions.Model;
using Sessions.Security;
using Sessions.Storage;

namespace Sessions.Tests;

/// <summary>Changes of credentials whose first write meets a storage fault.</summary>
public sealed class CredentialStoreTests(Server server) : IClassFixture<Server>
{
    private static readonly byte[] First = BasicCredentials.Hash("first");
    private static readonly byte[] Second = BasicCredentials.Hash("second");

    private static int _accounts;

    private readonly AccountId _account = AccountId.Parse($"faults-{Interlocked.Increment(ref _accounts)}");

    [Fact]
    public async Task A_new_user_is_added()
    {
        Assert.True(await server.Credentials.AddAsync(_account, "ann", new(First, Access.Write), CancellationToken.None));
        Assert.Equal(First, (await FindAsync())!.SecretHash);
    }

    [Theory]
    [InlineData(StorageFault.ResetAfter)]
    [InlineData(StorageFault.ErrorAfter)]
    public async Task A_user_is_added_and_removed_even_if_the_response_is_lost(StorageFault fault)
    {
        Assert.True(await WithFaultAsync(fault, () => server.Credentials.AddAsync(_account, "ann", new(First, Access.Write), CancellationToken.None)));
        Assert.False(await server.Credentials.AddAsync(_account, "ann", new(Second, Access.Write), CancellationToken.None));
        Assert.Equal(First, (await FindAsync())!.SecretHash);

        Assert.True(await WithFaultAsync(fault, () => server.Credentials.RemoveAsync(_account, "ann", CancellationToken.None)));
        Assert.Null(await FindAsync());
    }

    [Theory]
    [InlineData(StorageFault.Refused)]
    [InlineData(StorageFault.ErrorBefore)]
    public async Task A_change_that_was_not_stored_is_not_reported_as_done(StorageFault fault)
    {
        await Assert.ThrowsAsync<StorageUnavailableException>(() => WithFaultAsync(
            fault, () => server.Credentials.AddAsync(_account, "ann", new(First, Access.Write), CancellationToken.None)));
        Assert.Null(await FindAsync());

        await server.Credentials.AddAsync(_account, "ann", new(First, Access.Write), CancellationToken.None);
        await Assert.ThrowsAsync<StorageUnavailableException>(() => WithFaultAsync(
            fault, () => server.Credentials.RemoveAsync(_account, "ann", CancellationToken.None)));
        Assert.NotNull(await FindAsync());
    }

    [Theory]
    [InlineData(StorageFault.Refused)]
    [InlineData(StorageFault.ErrorBefore)]
    [InlineData(StorageFault.ErrorAfter)]
    [InlineData(StorageFault.ResetAfter)]
    public async Task A_rotation_is_applied_once_and_keeps_the_previous_secret(StorageFault fault)
    {
        await server.Credentials.AddAsync(_account, "ann", new(First, Access.Read), CancellationToken.None);

        Assert.True(await WithFaultAsync(
            fault, () => server.Credentials.RotateAsync(_account, "ann", Second, TimeSpan.FromHours(1), CancellationToken.None)));

        var credential = await FindAsync();
        Assert.Equal(Second, credential!.SecretHash);
        Assert.Equal(First, credential.Previous!.SecretHash);
        Assert.Equal(Access.Read, credential.Access);
    }

    [Fact]
    public async Task The_later_of_two_concurrent_rotations_keeps_the_secret_of_the_earlier()
    {
        var third = BasicCredentials.Hash("third");
        await server.Credentials.AddAsync(_account, "ann", new(First, Access.Write), CancellationToken.None);

        // Both requests read the row before either of them writes it.
        server.StorageCalls.Hold = TimeSpan.FromMilliseconds(300);
        var rotated = await Task.WhenAll(RotateAsync(Second), RotateAsync(third));
        server.StorageCalls.Hold = TimeSpan.Zero;

        Assert.Equal([true, true], rotated);
        var credential = (await FindAsync())!;
        Assert.Equal(
            new[] { Second, third }.Select(Convert.ToHexString).Order(),
            new[] { credential.SecretHash, credential.Previous!.SecretHash }.Select(Convert.ToHexString).Order());
    }

    [Fact]
    public async Task Rotating_or_removing_an_unknown_user_changes_nothing()
    {
        Assert.False(await RotateAsync(Second));
        Assert.False(await server.Credentials.RemoveAsync(_account, "ann", CancellationToken.None));
        Assert.Null(await FindAsync());
    }

    [Fact]
    public async Task A_saved_credential_replaces_the_existing_one()
    {
        await server.Credentials.AddAsync(_account, "ann", new(First, Access.Read), CancellationToken.None);
        await RotateAsync(Second);

        await server.Credentials.SaveAsync(_account, "ann", new(First, Access.Write), CancellationToken.None);

        Assert.Equal((Access.Write, null), ((await FindAsync())!.Access, (await FindAsync())!.Previous));
    }

    [Fact]
    public async Task The_list_of_users_contains_no_other_rows()
    {
        await server.Credentials.AddAsync(_account, "ann", new(First, Access.Write), CancellationToken.None);
        await server.Tables.Credentials.AddEntityAsync(new TableEntity($"{_account}", "webhook:0123"));

        Assert.Equal(["ann"], await server.Credentials.ListAsync(_account, CancellationToken.None).Select(user => user.Name).ToArrayAsync());
    }

    [Fact]
    public async Task The_list_of_users_contains_only_users_of_the_account()
    {
        var another = AccountId.Parse($"{_account}-another");
        await server.Credentials.AddAsync(another, "bob", new(First, Access.Write), CancellationToken.None);
        await server.Credentials.AddAsync(_account, "ünï", new(First, Access.Write), CancellationToken.None);
        await server.Credentials.AddAsync(_account, "ann", new(First, Access.Read), CancellationToken.None);

        var users = await server.Credentials.ListAsync(_account, CancellationToken.None).ToListAsync();

        Assert.Equal([("ann", Access.Read), ("ünï", Access.Write)], users.Select(user => (user.Name, user.Access)));
    }

    private Task<bool> RotateAsync(byte[] secretHash)
        => server.Credentials.RotateAsync(_account, "ann", secretHash, TimeSpan.FromHours(1), CancellationToken.None);

    private Task<Credential?> FindAsync() => server.Credentials.FindAsync(_account, "ann", CancellationToken.None);

    private async Task<bool> WithFaultAsync(StorageFault fault, Func<Task<bool>> change)
    {
        var writes = 0;
        server.Faults.Choose = request => request.Method != RequestMethod.Get && ++writes == 1 ? fault : StorageFault.None;
        try
        {
            return await change();
        }
        finally
        {
            server.Faults.Choose = _ => StorageFault.None;
            Assert.NotEqual(0, writes);
        }
    }
}
