import asyncio

from autoal.people.news import News


def test_whoever_waits_is_woken_by_a_change() -> None:
    async def woken() -> int:
        news = News()
        before = news.version
        waiting = asyncio.create_task(news.wait(60))
        await asyncio.sleep(0)
        news.tell()
        await waiting
        return news.version - before

    assert asyncio.run(woken()) == 1


def test_nobody_waits_longer_than_they_want_to() -> None:
    asyncio.run(News().wait(0.0))
