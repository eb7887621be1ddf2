//! Rates, scores and values at a time that a sum would make nonsense of, and amounts that look like them.

use openanalyst_tables::Kind;

use super::expect::{Expect::*, case, check};

#[test]
fn rates_and_scores_are_not_added_up() {
    check(&[
        case(
            "rates without the word",
            "shop,churn,bounce,conversion,retention\nA,0.02,0.9,0.1,0.5\nB,0.03,0.7,0.3,0.7\n",
            &[
                NoSum("churn", Kind::Rate),
                Mean("churn", 0.025),
                Mean("bounce", 0.8),
                NoSum("conversion", Kind::Rate),
                Mean("retention", 0.6),
            ],
        ),
        case(
            "whole per cents",
            "shop,churn,D7 retention\nA,2,40\nB,4,50\n",
            &[Mean("churn", 3.0), Mean("D7 retention", 45.0), NoSum("D7 retention", Kind::Rate)],
        ),
        case("one", "page,bounce\nA,0.9\n", &[NoSum("bounce", Kind::Rate)]),
        case(
            "basis points",
            "fund,fee bps,spread (bps)\nA,10,3\nB,20,5\n",
            &[NoSum("fee bps", Kind::Rate), Mean("spread (bps)", 4.0)],
        ),
        case(
            "a survey",
            "respondent,Q1 (1-5),Q2 satisfaction,feedback score\n1,4,5,8\n2,5,3,10\n",
            &[
                NoSum("respondent", Kind::Identifier),
                NoSum("Q1 (1-5)", Kind::Rate),
                Mean("Q1 (1-5)", 4.5),
                NoSum("Q2 satisfaction", Kind::Rate),
                Mean("feedback score", 9.0),
            ],
        ),
        case("scores", "name,score\nA,70\nB,80\n", &[NoSum("score", Kind::Rate), Mean("score", 75.0)]),
        case("a laboratory", "sample,pH,tmp\nA,7,20\nB,6,22\n", &[NoSum("pH", Kind::State), NoSum("tmp", Kind::State)]),
        case("people", "name,height cm\nA,180\nB,170\n", &[NoSum("height cm", Kind::Rate), Mean("height cm", 175.0)]),
        case(
            "an unknown name",
            "shop,loyalty\nA,0.25\nB,0.75\n",
            &[NoSum("loyalty", Kind::Rate), Said("`loyalty` lie between 0 and 1")],
        ),
        case("a total beyond one", "shop,loyalty\nA,0.75\nB,0.5\nTotal,1.25\n", &[Rows(2), Mean("loyalty", 0.625)]),
    ]);
}

#[test]
fn amounts_that_look_like_rates_are_added_up() {
    check(&[
        case(
            "small amounts",
            "item,price,weight,amount,hours\nA,0.5,0.25,0.1,0.5\nB,0.25,0.5,0.2,0.25\n",
            &[Sum("price", 0.75), Sum("weight", 0.75), Sum("amount", 0.3), Sum("hours", 0.75)],
        ),
        case("with units", "item,x,y\nA,0.5 kg,$0.5\nB,0.25 kg,$0.25\n", &[Sum("x", 0.75), Sum("y", 0.75)]),
        case("flags", "item,sold out\nA,0\nB,1\n", &[Sum("sold out", 1.0)]),
        case("beyond one", "item,x\nA,0.5\nB,1.5\n", &[Sum("x", 2.0)]),
        case("below zero", "item,x\nA,0.5\nB,-0.25\n", &[Sum("x", 0.25)]),
        case(
            "counts and money of them",
            "day,conversions,conversion value,bounces,score count\n2026-11-01,1,5,3,2\n2026-11-02,2,6,4,5\n",
            &[Sum("conversions", 3.0), Sum("conversion value", 11.0), Sum("bounces", 7.0), Sum("score count", 7.0)],
        ),
        case("a name with an end that is no scale", "item,clicks (2 of 5)\nA,1\nB,2\n", &[Sum("clicks (2 of 5)", 3.0)]),
        case("off its scale", "day,n (1-5)\nMon,10\nTue,20\n", &[Sum("n (1-5)", 30.0)]),
    ]);
}

#[test]
fn values_of_a_time_are_not_added_up_over_times() {
    check(&[
        case(
            "by day",
            "date,unique users,reach,clicks\n2026-11-01,10,100,1\n2026-11-02,20,200,2\n",
            &[
                NoSum("unique users", Kind::State),
                Mean("reach", 150.0),
                NoSum("reach", Kind::State),
                Sum("clicks", 3.0),
            ],
        ),
        case(
            "by month",
            "month,MRR,new MRR\n2026-01,100,10\n2026-02,120,20\n",
            &[NoSum("MRR", Kind::State), Mean("MRR", 110.0), Sum("new MRR", 30.0)],
        ),
        case("by the names of months", "Month,ARR\nJan,100\nFeb,120\n", &[NoSum("ARR", Kind::State)]),
        case("by quarter", "quarter,ARR\nQ1 2026,100\nQ2 2026,120\n", &[NoSum("ARR", Kind::State)]),
        case("by customer", "customer,MRR\nAcme,100\nBest,120\n", &[Sum("MRR", 220.0)]),
        case("by post", "post,reach\nFirst,100\nSecond,120\n", &[Sum("reach", 220.0)]),
    ]);
}
